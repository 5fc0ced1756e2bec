"""Blocks whose inner results are computed again in the backward pass instead of kept."""

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint


def checkpointed(block: nn.Module, x: Tensor) -> Tensor:
    """`block(x)`, of which only `x` stays in memory for the backward pass.

    Random numbers are drawn again as they were, and running statistics count the batch once.
    """
    if not torch.is_grad_enabled():
        return block(x)  # type: ignore[no-any-return]
    if torch.compiler.is_compiling():  # its graph writes the statistics once as it is
        return checkpoint(block, x, use_reentrant=False)  # type: ignore[no-any-return]

    def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return contextlib.nullcontext(), _statistics_kept(block)

    return checkpoint(block, x, use_reentrant=False, context_fn=contexts)  # type: ignore[no-any-return]


@contextlib.contextmanager
def _statistics_kept(block: nn.Module) -> Iterator[None]:
    """Inside, batch norms leave their running statistics as they are."""
    norms = [norm for norm in block.modules() if isinstance(norm, _BatchNorm) and norm.training]
    kept = [dict(norm.named_buffers(recurse=False)) for norm in norms]
    for norm, buffers in zip(norms, kept, strict=True):
        for name, buffer in buffers.items():
            setattr(norm, name, buffer.clone())
    try:
        yield
    finally:
        for norm, buffers in zip(norms, kept, strict=True):
            for name, buffer in buffers.items():
                setattr(norm, name, buffer)
