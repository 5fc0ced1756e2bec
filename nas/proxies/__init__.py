"""How well proxies rank networks."""
