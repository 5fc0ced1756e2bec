"""Activation functions by name."""

from collections.abc import Mapping
from typing import Final, Literal

Activation = Literal["relu", "relu6", "silu", "hard_swish", "gelu"]

ACTIVATION_CODES: Final[Mapping[Activation, str]] = {
    "relu": "nre",
    "relu6": "nr6",
    "silu": "nsw",
    "hard_swish": "nhs",
    "gelu": "nge",
}
"""What a block string calls each: timm's codes, and of our own `nge`."""
