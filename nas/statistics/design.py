"""Repeated measurements as matrices: what was measured, of which name, with which seed."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Name = TypeVar("Name")


class Design(NamedTuple):
    """The measurements, a row each."""

    observed: Floats
    """(rows,)"""
    names: Floats
    """(rows, names): 1 where the row is of the name"""
    seeds: Floats
    """(rows, seeds): 1 where the row is of the seed"""


def design(measured: Mapping[Name, Mapping[int, float]], names: Sequence[Name]) -> Design:
    """The measurements of these names, by their seeds: by name, then by seed."""
    rows = [
        (index, seed, value)
        for index, name in enumerate(names)
        for seed, value in sorted(measured[name].items())
    ]
    seeds = sorted({seed for _, seed, _ in rows})
    return Design(
        observed=np.array([value for _, _, value in rows]),
        names=np.eye(len(names))[[index for index, _, _ in rows]],
        seeds=np.eye(len(seeds))[[seeds.index(seed) for _, seed, _ in rows]],
    )
