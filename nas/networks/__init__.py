"""An Arch made real: its cost, its module, its weights."""
