"""Networks decoded and costed per second on one core, as a local search of an acquisition does.

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
    """All neighbours of a random candidate, then those of the next, until there are `count`."""
    rng = random.Random(0)
    while count > 0:
        for params in space.neighbours(space.sample(rng)):
            yield params
            count -= 1


def per_second(task: Callable[[Params], object], params: list[Params]) -> str:
    """How often `task` runs in a second of processor time."""
    start = time.process_time()
    for each in params:
        task(each)
    return f"{len(params) / (time.process_time() - start):,.0f}"


def report(space: Space) -> list[str]:
    params = list(walk(space, COUNT))
    # Costs come first, so that their time includes the work which is remembered afterwards.
    costed = per_second(lambda each: cost(space.decode(each)), params)
    keyed = per_second(lambda each: space.decode(each).key(), params)
    decoded = per_second(space.decode, params)
    return [space.name, str(len(space.choices)), decoded, costed, keyed]


def main() -> None:
    rows = [["space", "choices", "decode/s", "decode+cost/s", "decode+key/s"]]
    for path in sorted(CONF.glob("*.yaml")):
        rows.append(report(load_space(yaml.safe_load(path.read_text(encoding="utf-8")))))
    for first, *rest in rows:
        print(f"{first:16}" + "".join(f"{cell:>15}" for cell in rest))


if __name__ == "__main__":
    main()
