"""Decoded and priced networks per second on one core: what a local search's acquisition does.

python benchmarks/space_speed.py
"""

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml

from nas.networks.cost import cost
from search_spaces.space import Params, Space, load_space

CONF = Path(__file__).parents[1] / "conf" / "space"
COUNT = 20_000


def walk(space: Space, count: int) -> Iterator[Params]:
    """All neighbours of a random point, then of the next."""
    rng = random.Random(0)
    while count > 0:
        for params in space.neighbours(space.sample(rng)):
            yield params
            count -= 1


def per_second(task: Callable[[Params], object], params: list[Params]) -> float:
    start = time.perf_counter()
    for each in params:
        task(each)
    return len(params) / (time.perf_counter() - start)


def main() -> None:
    print(
        f"{'space':16} {'choices':>7} {'decode/s':>10} {'decode+cost/s':>14} {'decode+key/s':>13}"
    )
    for path in sorted(CONF.glob("*.yaml")):
        space = load_space(yaml.safe_load(path.read_text(encoding="utf-8")), path.stem)
        params = list(walk(space, COUNT))
        # Priced first, so that what it remembers is worked out within the time.
        priced = per_second(lambda p, s=space: cost(s.decode(p)), params)  # type: ignore[misc]
        keyed = per_second(lambda p, s=space: s.decode(p).key(), params)  # type: ignore[misc]
        decoded = per_second(space.decode, params)
        print(
            f"{space.name:16} {len(space.choices):7} {decoded:10,.0f} {priced:14,.0f} {keyed:13,.0f}"
        )


if __name__ == "__main__":
    main()
