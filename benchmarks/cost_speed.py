"""Networks whose cost is computed per second on one core, and the ratio to fvcore's tracing.

python benchmarks/cost_speed.py

The networks are random ones of the `mnasnet` space (seven stages), decoded beforehand. A search
costs networks whose stages it has met before, so this is timed; `unseen` forgets all stages first.
"""

import random
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import torch
import yaml
from fvcore.nn import FlopCountAnalysis

from nas.networks import cost as pricing
from nas.networks.cost import cost
from nas.networks.model import build
from search_spaces import stage_blocks
from search_spaces.arch import Arch
from search_spaces.space import load_space

MNASNET = Path(__file__).parents[1] / "conf" / "space" / "mnasnet.yaml"
PRICED, TRACED = 20_000, 6


def networks(count: int) -> list[Arch]:
    """Random networks of the space."""
    space = load_space(yaml.safe_load(MNASNET.read_text(encoding="utf-8")))
    rng = random.Random(0)
    return [space.decode(space.sample(rng)) for _ in range(count)]


def per_second(task: Callable[[Arch], object], archs: Iterable[Arch]) -> float:
    """How often `task` runs in a second of processor time."""
    start, count = time.process_time(), 0
    for arch in archs:
        task(arch)
        count += 1
    return count / (time.process_time() - start)


def trace(arch: Arch, model: torch.nn.Module) -> int:
    """MACs of conv and linear layers as fvcore counts them."""
    side = arch.resolution
    flops = FlopCountAnalysis(model, torch.zeros(1, 3, side, side))
    flops.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    counted = flops.by_operator()
    return int(counted["conv"] + counted["linear"])


def main() -> None:
    torch.set_num_threads(1)
    archs = networks(PRICED)
    for memo in (pricing._stage, stage_blocks.distinct_blocks):
        memo.cache_clear()
    unseen = per_second(cost, archs[:1000])
    seen = max(per_second(cost, archs) for _ in range(3))
    print(f"priced: {seen:,.0f}/s; unseen: {unseen:,.0f}/s over the first 1,000")
    models = {arch.key(): build(arch).eval() for arch in archs[:TRACED]}
    with torch.no_grad():
        traced = per_second(
            lambda arch: check(arch, trace(arch, models[arch.key()])), archs[:TRACED]
        )
    print(f"traced by fvcore: {traced:.2f}/s; priced {seen / traced:,.0f} times as fast")


def check(arch: Arch, macs: int) -> None:
    """Exit where the two disagree, for then the comparison would mean nothing."""
    if macs != cost(arch).macs:
        raise SystemExit(f"fvcore counts {macs} MACs, we {cost(arch).macs}")


if __name__ == "__main__":
    main()
