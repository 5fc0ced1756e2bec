"""Which training teaches most about which network is best."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_NODES, _NODE_WEIGHTS = np.polynomial.hermite_e.hermegauss(9)
_AHEAD = 4
"""Trainings of one network that are thought of at once: one alone would seldom change an answer,
and so seem worthless, near the end."""
_DIGITS = 6


def most_telling(accuracies: Floats, noise: float, count: int, pending: Sequence[int]) -> list[int]:
    """The networks, by column, whose next trainings raise most what the best is expected to have.

    `accuracies` are (draws, networks) from the posterior. That is the knowledge gradient for
    correlated beliefs (Frazier, Powell, Dayanik, INFORMS J. on Computing 21, 2009), one training
    after another, those that are `pending` counted as done.
    """
    mean, covariance = accuracies.mean(axis=0), np.cov(accuracies.T)
    variance = noise**2
    for network in pending:
        covariance = _trained(covariance, network, variance)
    chosen: list[int] = []
    for _ in range(count):
        moves = covariance / np.sqrt(np.diag(covariance) + variance / _AHEAD + 1e-18)
        # (networks whose mean moves, networks that are trained, nodes)
        after = mean[:, None, None] + moves[:, :, None] * _NODES
        worth = after.max(axis=0) @ _NODE_WEIGHTS
        # Where two are worth the same but for the last digits, all machines choose the first.
        chosen.append(int(((worth - worth.max()) / noise).round(_DIGITS).argmax()))
        covariance = _trained(covariance, chosen[-1], variance)
    return chosen


def _trained(covariance: Floats, network: int, variance: float) -> Floats:
    """The covariance after one more training of a network."""
    column = covariance[:, network]
    left: Floats = covariance - np.outer(column, column) / (column[network] + variance + 1e-18)
    return left
