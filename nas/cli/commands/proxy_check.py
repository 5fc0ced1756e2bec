"""`nas-search proxy-check`: how well does a proxy rank networks, beside their MACs alone?"""

from nas.verbs.config import Config
from nas.verbs.proxy_check import proxy_check


def main(config: Config) -> None:
    """Write `proxy_check.jsonl`, `.csv` and `.html` into the run folder; print the table."""
    print(proxy_check(config))
