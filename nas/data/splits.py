"""How labelled images are divided so that every class keeps its share."""

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


def stratified_order(labels: Integers, seed: int) -> Integers:
    """Positions in a random order of which any beginning holds each class in proportion.

    Beginnings of one order are nested: the first 1,000 images are among the first 2,000.
    """
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    quantile = np.empty(len(labels))
    for label in np.unique(labels):
        members = shuffled[labels[shuffled] == label]
        quantile[members] = (np.arange(len(members)) + 0.5) / len(members)
    return shuffled[np.argsort(quantile[shuffled], kind="stable")]


def hold_out(labels: Integers, fraction: float, seed: int) -> tuple[Integers, Integers]:
    """The positions that are kept and those that are held out, each in order.

    A class of two images or more has at least one in each.
    """
    order = stratified_order(labels, seed)
    kept, held = [], []
    for label in np.unique(labels):
        members = order[labels[order] == label]
        count = min(max(1, round(len(members) * fraction)), len(members) - 1)
        held.append(members[:count])
        kept.append(members[count:])
    return np.sort(np.concatenate(kept)), np.sort(np.concatenate(held))
