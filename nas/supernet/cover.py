"""Networks of a space that have, between them, all that any network of the space has."""

import itertools
import math
from collections.abc import Iterator

from search_spaces.arch import Arch
from search_spaces.choices import Choice, Scalar
from search_spaces.errors import UserError
from search_spaces.space import Params, Space

_MOST_WAYS = 4096
"""Combinations of one stage's options that are laid out at most."""


def cover(space: Space) -> Iterator[Arch]:
    """Give networks that have every block of the space.

    A block depends on the options of its own stage, together, and on the channels that the stage
    before it gives: each combination of these is in one of the networks. Raises UserError for a
    stage that has too many.
    """
    base = {choice.name: choice.options[0] for choice in space.choices}
    before: list[Params] = [{}]
    for index in range(len(space.base.stages)):
        own = [choice for choice in space.choices if choice.stage == index]
        _check(space, index, own)
        widths: dict[int, Params] = {}
        for options in _combinations(own):
            for fed in before:
                arch = space.decode({**base, **fed, **options})
                yield arch
            widths.setdefault(arch.stages[index].channels, options)
        before = list(widths.values())


def _combinations(choices: list[Choice]) -> Iterator[dict[str, Scalar]]:
    names = [choice.name for choice in choices]
    for options in itertools.product(*(choice.options for choice in choices)):
        yield dict(zip(names, options, strict=True))


def _check(space: Space, index: int, own: list[Choice]) -> None:
    ways = math.prod(len(choice.options) for choice in own)
    if ways > _MOST_WAYS:
        raise UserError(
            f"space {space.name}: {ways:,} combinations of options of stage {index}; a supernet "
            f"holds at most {_MOST_WAYS:,}"
        )
