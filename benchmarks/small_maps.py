"""A depthwise conv's forward and backward pass over small maps, beside the conv library's own.

python benchmarks/small_maps.py

Batches of 128, one core. Both take turns, and the fastest pass of each counts.
"""

import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from nas.networks.depthwise import over_small_map
from nas.training.allocator import freed_memory_kept
from nas.verbs.columns import table

ROUNDS = 6
BATCH = 128
MAPS = ((288, 2, 3, 1), (384, 2, 5, 1), (288, 2, 5, 2), (192, 4, 5, 1), (192, 4, 5, 2))
"""Channels, side, kernel, stride."""


def seconds(conv: Callable[[Tensor, Tensor], Tensor], x: Tensor, weight: Tensor) -> float:
    begun = time.process_time()
    conv(x, weight).sum().backward()  # type: ignore[no-untyped-call]
    return time.process_time() - begun


def main() -> None:
    torch.set_num_threads(1)
    rows = []
    for channels, side, kernel, stride in MAPS:
        x = torch.randn(BATCH, channels, side, side).contiguous(memory_format=torch.channels_last)
        x.requires_grad_()
        weight = torch.randn(channels, 1, kernel, kernel, requires_grad=True)

        def library(x: Tensor, w: Tensor, stride: int = stride) -> Tensor:
            return F.conv2d(x, w, None, stride, w.shape[-1] // 2, groups=len(w))

        def ours(x: Tensor, w: Tensor, stride: int = stride) -> Tensor:
            return over_small_map(x, w, (stride, stride))

        pairs = [(seconds(library, x, weight), seconds(ours, x, weight)) for _ in range(ROUNDS)]
        theirs, own = (1000 * min(column) for column in zip(*pairs, strict=True))
        size = f"{channels} channels, {side} × {side}, {kernel} × {kernel}, stride {stride}"
        rows.append((size, f"{theirs:.1f}", f"{own:.1f}", f"{theirs / own:.0f}"))
    print(table(("depthwise conv", "library, ms", "ours, ms", "ratio"), rows))


if __name__ == "__main__":
    with freed_memory_kept():
        main()
