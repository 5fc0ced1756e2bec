"""Classes of data beside those of a network: matched by their names, whatever their order."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from nas.data.names import shown, some
from nas.data.sources import Split
from search_spaces.errors import UserError


@dataclass(frozen=True, slots=True)
class Matched:
    """A split whose labels are a network's classes."""

    split: Split
    absent: tuple[str, ...]
    """Classes of the network that the data do not have."""


def matched(split: Split, of_data: Sequence[str], of_network: Sequence[str], data: str) -> Matched:
    """A split of the data called `data` with its labels as the network counts its classes.

    Raises UserError for classes that the network does not know, and for names that stand twice.
    """
    place = {name: index for index, name in enumerate(of_network)}
    if len(place) < len(of_network):
        twice = next(name for index, name in enumerate(of_network) if place[name] != index)
        raise UserError(f"weights: two of its classes are called {shown(twice)}")
    unknown = [name for name in of_data if name not in place]
    if unknown:
        raise UserError(
            f"data: {shown(data)} has classes that the network was not trained on: "
            f"{some(unknown)}; it knows {some(of_network)}"
        )
    numbers = np.array([place[name] for name in of_data], np.int64)
    there = set(of_data)
    absent = tuple(name for name in of_network if name not in there)
    return Matched(replace(split, labels=numbers[split.labels]), absent)
