"""A sample of a space's networks that is spread over their costs."""

import itertools
import random

from nas.networks.cost import cost
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.space import Space

_DRAWS = 50
"""Random networks that are drawn for each one that is wanted"""


def spread_sample(space: Space, count: int, seed: int) -> list[Arch]:
    """One random network of each of `count` equal parts of the space by MACs, cheapest first.

    Raises UserError for a space that has fewer networks.
    """
    rng = random.Random(seed)
    drawn = [space.decode(space.sample(rng)) for _ in range(_DRAWS * count)]
    different = list({arch.key(): arch for arch in drawn}.values())
    if len(different) < count:
        raise UserError(
            f"networks: expected at most {len(different)}, as many as were found in space "
            f"{space.name}, got {count}"
        )
    ranked = sorted(different, key=lambda arch: (cost(arch).macs, arch.key()))
    edges = [index * len(ranked) // count for index in range(count + 1)]
    return [rng.choice(ranked[a:b]) for a, b in itertools.pairwise(edges)]
