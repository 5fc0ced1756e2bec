"""The layers of a network as plain data: what each is called, how large it is and where it runs.

Activation functions, pooling and dropout hold no weights and are not among them.
"""

from typing import Literal, NamedTuple, TypeAlias

Path = Literal["entry", "branch", "squeeze", "shortcut"]
"""`entry`: before the block's input is put by for the addition; `branch`: on the way to the
block's output; `squeeze`: beside that, on the channels' means, while the map waits;
`shortcut`: on the way of the input to the addition, after the branch."""


def side_after(size: int, stride: int, padded: bool = True) -> int:
    """Side of the map that a conv makes of one of side `size`: rounded up if the conv pads it,
    else down."""
    return -(-size // stride) if padded else size // stride


class Conv(NamedTuple):
    """A conv over a square map. One that does not pad has its stride as kernel."""

    name: str
    inputs: int
    outputs: int
    size: int
    """Side of the map it reads in pixels."""
    kernel: int = 1
    stride: int = 1
    groups: int = 1
    bias: bool = False
    path: Path = "branch"
    padded: bool = True

    @property
    def params(self) -> int:
        """Trainable parameters."""
        return self._weights + self.outputs * self.bias

    @property
    def macs(self) -> int:
        """Multiply–adds for one image, its bias not counted."""
        return self._weights * side_after(self.size, self.stride, self.padded) ** 2

    @property
    def read(self) -> int:
        """Elements of its input."""
        return self.inputs * self.size**2

    @property
    def written(self) -> int:
        """Elements of its output."""
        return self.outputs * side_after(self.size, self.stride, self.padded) ** 2

    @property
    def _weights(self) -> int:
        return self.kernel**2 * (self.inputs // self.groups) * self.outputs


class Linear(NamedTuple):
    """A linear layer with bias: over every pixel of a map, or over a vector where `size` is 1."""

    name: str
    inputs: int
    outputs: int
    size: int = 1
    """Side of the map in pixels."""
    path: Path = "branch"

    @property
    def params(self) -> int:
        """Trainable parameters."""
        return (self.inputs + 1) * self.outputs

    @property
    def macs(self) -> int:
        """Multiply–adds for one image, its bias not counted."""
        return self.inputs * self.outputs * self.size**2

    @property
    def read(self) -> int:
        """Elements of its input."""
        return self.inputs * self.size**2

    @property
    def written(self) -> int:
        """Elements of its output."""
        return self.outputs * self.size**2


class Norm(NamedTuple):
    """A normalisation with a scale and a shift for each channel."""

    name: str
    channels: int
    kind: Literal["batch", "layer"] = "batch"

    @property
    def params(self) -> int:
        """Trainable parameters."""
        return 2 * self.channels


class Scale(NamedTuple):
    """A learnt factor for each channel, a parameter of the block itself."""

    name: str
    channels: int

    @property
    def params(self) -> int:
        """Trainable parameters."""
        return self.channels


Product: TypeAlias = Conv | Linear
"""A layer that multiplies and adds, and writes an output of its own; all others can work in
place."""
PRODUCTS = (Conv, Linear)
Layer: TypeAlias = Conv | Linear | Norm | Scale
