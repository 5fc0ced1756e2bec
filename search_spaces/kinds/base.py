"""What a kind of block is, and one block of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from search_spaces.activations import Activation
from search_spaces.kinds.layers import Conv, Layer, side_after

Side = Literal["input", "inner", "output"]
"""The channels that a block reads, works on inside, and writes."""

COMMON_FIELDS = ("op", "repeats", "stride", "channels", "continues")
"""Fields of a stage that every kind takes."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Kind:
    """A kind of block: all that costs, names, scaling and block strings have to know of it."""

    name: str
    """The stage's `op` in YAML."""
    code: str
    """How a block string begins; timm's where it has the block."""
    takes: frozenset[str]
    """The fields of a stage that mean something here, beyond COMMON_FIELDS."""
    layers: "Callable[[Block], tuple[Layer, ...]]"
    """The named layers of a block in the order they run."""
    may_vanish: bool = False
    """Whether a block that keeps its input's shape does nothing, and has no layers."""
    inner_of: Literal["input", "output"] = "input"
    """Which channels the inner ones are equal to, or `expand` times as many as."""
    unexpanded: "Kind | None" = None
    """What its blocks are at `expand: 1`, where the expansion is left out."""
    squeezes: Literal["inner", "output"] = "inner"
    """Which channels squeeze-and-excitation sees."""
    grouped: tuple[Side, ...] = ()
    """Which channels `groups` must divide."""
    adds_input: Literal["never", "same_shape", "always"] = "same_shape"
    """When a skip adds the block's input to its output; `always` where a layer brings it to the
    output's shape."""
    padded: bool = True
    """Whether its strided conv pads: an odd side is rounded up when halved, else down."""
    last_norm: str | None = None
    """The norm that ends the branch, so that the block is the identity where its scale is 0. None
    where an activation follows: a ReLU's gradient is zero at zero, and the branch would never
    leave it."""
    code_skips: bool = True
    """Whether a block string that says neither `skip` nor `noskip` means a skip."""
    timm: frozenset[str] | None = None
    """The fields of `takes` that block strings of timm can set; None where it has no such block."""
    timm_groups_of: Literal["input", "inner"] = "inner"
    """Which channels timm divides by a group's size to get the number of groups."""
    timm_name: Callable[[str], str] | None = None
    """timm's name of a weight in networks made of this kind alone, where it has a class of its own
    for those."""
    timm_head: str = "pool"
    """The kind of head of the networks that `timm_name` is about."""
    drops_fully: bool = False
    """Whether stochastic depth reaches its full rate with the last block, not after it."""


@dataclass(frozen=True, slots=True)
class Block:
    """One block with everything that was relative in its stage worked out."""

    kind: Kind
    in_channels: int
    inner_channels: int
    channels: int
    kernel: int
    stride: int
    groups: int
    se_channels: int
    """Channels squeezed to; 0 without squeeze-and-excitation."""
    skip: bool
    """The input is added to the output."""
    activation: Activation
    size: int
    """Side of the input feature map in pixels."""

    def layers(self) -> tuple[Layer, ...]:
        """What the block is made of, in the order it runs."""
        return self.kind.layers(self)

    @property
    def out_size(self) -> int:
        """Side of the output feature map in pixels."""
        return side_after(self.size, self.stride, self.kind.padded)

    @property
    def reshapes(self) -> bool:
        """Whether output and input differ in shape."""
        return self.stride != 1 or self.in_channels != self.channels

    def is_nothing(self) -> bool:
        """Whether the block passes its input on unchanged."""
        return self.kind.may_vanish and not self.reshapes

    def canonical(self) -> tuple[object, ...]:
        """What tells this block from others, without the size that follows from those before."""
        if self.kind.may_vanish:
            return (self.kind.name, self.channels, self.stride)
        return (
            self.kind.name,
            self.inner_channels,
            self.channels,
            self.kernel,
            self.stride,
            self.groups,
            self.se_channels,
            self.skip,
            self.activation,
        )


def squeeze_excite(block: Block, channels: int) -> tuple[Conv, ...]:
    """The layers of squeeze-and-excitation over `channels`; none for a block without."""
    squeezed = block.se_channels
    if not squeezed:
        return ()
    return (
        Conv("se.conv_reduce", channels, squeezed, 1, bias=True, path="squeeze"),
        Conv("se.conv_expand", squeezed, channels, 1, bias=True, path="squeeze"),
    )
