"""Decoded and priced networks per second on one core: what a local search's acquisition does.

python benchmarks/space_speed.py
"""

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml

from nas.networks.cost import cost
from search_spaces.choices import Params
from search_spaces.space import Space, load_space

CONF = Path(__file__).parents[1] / "conf" / "space"
COUNT = 20_000


def walk(space: Space, count: int) -> Iterator[Params]:
    """All neighbours of a random point, then of the next."""
    rng = random.Random(0)
    while count > 0:
        for params in space.neighbours(space.sample(rng)):
            yield params
            count -= 1


def per_second(task: Callable[[Params], object], params: list[Params]) -> str:
    """How often `task` runs in a second of this process's own time."""
    start = time.process_time()
    for each in params:
        task(each)
    return f"{len(params) / (time.process_time() - start):,.0f}"


def report(space: Space) -> list[str]:
    params = list(walk(space, COUNT))
    # Priced first, so that working out what is remembered afterwards counts.
    priced = per_second(lambda each: cost(space.decode(each)), params)
    keyed = per_second(lambda each: space.decode(each).key(), params)
    decoded = per_second(space.decode, params)
    return [space.name, str(len(space.choices)), decoded, priced, keyed]


def main() -> None:
    rows = [["space", "choices", "decode/s", "decode+cost/s", "decode+key/s"]]
    for path in sorted(CONF.glob("*.yaml")):
        rows.append(report(load_space(yaml.safe_load(path.read_text(encoding="utf-8")))))
    for first, *rest in rows:
        print(f"{first:16}" + "".join(f"{cell:>15}" for cell in rest))


if __name__ == "__main__":
    main()
