"""A small network of each kind of block, that sets every field its stages take."""

from typing import Any

from search_spaces.arch import Arch
from search_spaces.ends import Head, Stem
from search_spaces.kinds import KINDS
from search_spaces.stage import Stage

AWAY_FROM_DEFAULT: dict[str, Any] = {
    "kernel": 5,
    "expand": 2.5,
    "se": 0.25,
    "skip": False,
    "groups": 2,
    "activation": "hard_swish",
    "always_expand": True,
    "inner_divisor": 4,
}


def sample_stage(op: str, **fields: Any) -> Stage:
    """A stage with all that its kind takes, but for skips, which hide nothing when they stay."""
    taken = {k: v for k, v in AWAY_FROM_DEFAULT.items() if k in KINDS[op].takes and k != "skip"}
    return Stage(**{"op": op, "repeats": 2, "stride": 2, "channels": 16, **taken, **fields})


def sample(op: str) -> Arch:
    """Two stages of the kind, the second of blocks of an equal shape alone."""
    return Arch(
        name=f"sample_{op}",
        resolution=32,
        num_classes=5,
        stem=Stem(channels=8),
        stages=(sample_stage(op), sample_stage(op, repeats=1, stride=1)),
        head=Head(channels=24),
    )
