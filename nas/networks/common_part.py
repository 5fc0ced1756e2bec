"""The part that two tensors of one layer's weights have in common, whatever their sizes.

- Channels are the first ones that both have;
- kernels lie centre on centre.

So a smaller layer is a part of a larger one, wherever weights are handed on: from a trained network
to a grown one, and from a supernet to its candidates.
"""

from collections.abc import Sequence

Part = tuple[slice, ...]
"""A slice of each dimension of a tensor."""


def common_part(shape: Sequence[int], other: Sequence[int]) -> tuple[Part, Part]:
    """Give the part of a tensor of `shape` that one of `other` has too, and where it has it.

    Dimensions are (outputs, inputs, kernel's sides …) or the first of these.
    """
    pairs = list(zip(shape, other, strict=True))
    ours = [slice(min(pair)) for pair in pairs[:2]]
    theirs = list(ours)
    for side, other_side in pairs[2:]:
        ours.append(_centre(side, min(side, other_side)))
        theirs.append(_centre(other_side, min(side, other_side)))
    return tuple(ours), tuple(theirs)


def _centre(side: int, kept: int) -> slice:
    before = (side - kept) // 2
    return slice(before, before + kept)
