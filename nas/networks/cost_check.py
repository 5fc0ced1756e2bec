"""Our arithmetic beside two counters of other people's, over the built network.

fvcore traces a forward pass; torch's FlopCounterMode watches one. Both are asked for multiply–adds
of convs and linear layers: fvcore counts those under `conv` and `linear`, and norms beside them;
torch counts a multiplication and an addition as two.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from fvcore.nn import FlopCountAnalysis
from torch.utils.flop_counter import FlopCounterMode

from nas.networks.cost import part_costs
from nas.networks.model import build
from search_spaces.arch import Arch

_LAYERS = ("conv", "linear")
"""What fvcore calls the operators that multiply and add."""
_ENDS = {
    "stem": ("conv_stem", "bn1", "norm1"),
    "head": ("conv_head", "bn2", "norm2", "classifier"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PartCheck:
    """Multiply–adds of one part of a network, counted in three ways."""

    part: str
    """`stem`, `stage 0`, …, `head`, `whole`; stages are numbered as weights are named."""
    macs: int
    """Multiply–adds by our arithmetic."""
    fvcore: int
    """Multiply–adds of convs and linear layers as fvcore counts them."""
    fvcore_others: int
    """What fvcore counts beside them: norms."""
    other_operators: tuple[str, ...] = ()
    """What fvcore calls the operators that it counts beside them: `batch_norm`."""
    torch: int
    """Multiply–adds as torch counts them, half of its FLOPs."""

    @property
    def agrees(self) -> bool:
        """Whether all three are equal."""
        return self.macs == self.fvcore == self.torch


def check_cost(arch: Arch) -> tuple[PartCheck, ...]:
    """Each part of `arch`, then the whole, over one forward pass of the built network."""
    model = build(arch).eval()
    images = torch.zeros(1, arch.in_channels, arch.resolution, arch.resolution)
    with torch.no_grad():
        counted = FlopCountAnalysis(model, images)
        counted.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        by_module = counted.by_module_and_operator()
        with FlopCounterMode(display=False) as watched:
            model(images)
    flops = {name: sum(c.values()) for name, c in watched.get_flop_counts().items()}
    root = type(model).__name__

    def checked(part: str, macs: int, modules: tuple[str, ...]) -> PartCheck:
        operators = [by_module.get(module, Counter()) for module in modules]
        counts: Counter[str] = sum(operators, Counter())
        others = {name: count for name, count in counts.items() if name not in _LAYERS}
        watched_flops = sum(flops.get(f"{root}.{m}" if m else "Global", 0) for m in modules)
        return PartCheck(
            part=part,
            macs=macs,
            fvcore=int(sum(counts[name] for name in _LAYERS)),
            fvcore_others=int(sum(others.values())),
            other_operators=tuple(sorted(others)),
            torch=watched_flops // 2,
        )

    parts = list(_numbered(arch))
    rows = [
        checked(name, macs, _ENDS.get(name, (f"blocks.{name.removeprefix('stage ')}",)))
        for name, macs in parts
    ]
    whole = checked("whole", sum(macs for _, macs in parts), ("",))
    return (*rows, whole)


def _numbered(arch: Arch) -> Iterator[tuple[str, int]]:
    """Names and MACs of the parts; a stage that continues another adds to it."""
    stem, *stages, head = part_costs(arch)
    yield "stem", stem.macs
    sums: list[int] = []
    for stage, price in zip(arch.stages, stages, strict=True):
        if stage.continues:
            sums[-1] += price.macs
        else:
            sums.append(price.macs)
    yield from ((f"stage {index}", macs) for index, macs in enumerate(sums))
    yield "head", head.macs
