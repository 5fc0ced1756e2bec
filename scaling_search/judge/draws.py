"""Surfaces drawn from the posterior: what else accuracy may be like, given the trainings."""

import numpy as np
from numpy.typing import NDArray

from nas.statistics.blas import one_blas_thread
from scaling_search.judge.surface import NOISES, Fit, Places, Surface, similarity

Floats = NDArray[np.float64]

_JITTER = 1e-9
_SAME = 1e-6
"""Places nearer to each other, in units of φ, are of one network."""


def draw_networks(surface: Surface, networks: Places, count: int, seed: int = 0) -> Floats:
    """(draws, networks) accuracies, own deviations included, without the noise of a training.

    The first of the networks are those that the surface was fitted to, in their order. Equal calls
    draw equally.
    """
    same = np.eye(len(networks), len(surface.seen.places))
    return _draw(surface, networks, count, seed, same)


def draw_network(surface: Surface, network: Places, count: int, seed: int = 0) -> Floats:
    """(draws,) accuracies of one network, its own deviation included, without a training's noise.

    One that the surface was fitted to has its own place among them. The draws depend on the
    surface and the network alone.
    """
    seen = surface.seen.places
    apart = np.maximum(
        np.abs(seen.growth - network.growth).max(axis=1), np.abs(seen.cost - network.cost)
    )
    same = np.zeros((1, len(seen)))
    if len(seen) and apart.min() < _SAME:
        same[0, apart.argmin()] = 1
    drawn: Floats = _draw(surface, network, count, seed, same)[:, 0]
    return drawn


def draw_smooth(surface: Surface, places: Places, count: int, seed: int = 0) -> Floats:
    """(draws, places) accuracies of no network in particular: what is smooth of the surface."""
    return _draw(surface, places, count, seed, None)


@one_blas_thread()
def _draw(surface: Surface, places: Places, count: int, seed: int, same: Floats | None) -> Floats:
    """(draws, places) accuracies; `same`, (places, seen networks), is 1 where both are one network,
    and None where the places are of none."""
    rng = np.random.default_rng(seed)
    which, direction, noise = _sampled(surface, count, rng)
    plane, seen = surface.directions.plane, surface.seen.places
    alike = similarity(places, places, plane), similarity(places, seen, plane)
    accuracies = np.zeros((count, len(places)))
    functions = {
        basis: (basis.functions(seen), basis.functions(places))
        for basis in {fit.basis for fit in surface.fits}
    }
    for index in np.unique(which):
        rows = np.flatnonzero(which == index)
        fit, sigma = surface.fits[index], NOISES[noise[rows]]
        at_seen, at_places = functions[fit.basis]
        weights = _weights(fit, direction[rows], sigma, rng)
        values = (surface.seen.means - surface.level)[:, None] / sigma
        rest = fit.inverse @ (values - at_seen @ weights.T)
        drawn = at_places @ weights.T + _deviations(fit, alike, rest, rng, same)
        accuracies[rows] = surface.level + sigma[:, None] * drawn.T
    return accuracies


def _sampled(
    surface: Surface, count: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Fit, direction and noise of each draw, by systematic resampling."""
    cumulated = np.cumsum(surface.probability.ravel())
    at = (np.arange(count) + rng.random()) / count * cumulated[-1]
    chosen = np.minimum(np.searchsorted(cumulated, at), len(cumulated) - 1)
    which, direction, noise = np.unravel_index(chosen, surface.probability.shape)
    return which, direction, noise


def _weights(
    fit: Fit, direction: NDArray[np.int64], sigma: Floats, rng: np.random.Generator
) -> Floats:
    """(draws, functions) weights of the basis, in σ."""
    spread = fit.spread[direction]
    mean = np.einsum("scd,sd->sc", spread, fit.pull[direction] / sigma[:, None] + fit.usual)
    error = np.einsum("scd,sd->sc", np.linalg.cholesky(spread), rng.standard_normal(mean.shape))
    drawn: Floats = np.einsum("sfc,sc->sf", fit.weights[direction], mean + error)
    return drawn


def _deviations(
    fit: Fit,
    alike: tuple[Floats, Floats],
    rest: Floats,
    rng: np.random.Generator,
    same: Floats | None,
) -> Floats:
    """(places, draws) of g, and of networks also of δ, in σ.

    `rest` is what the basis left of the accuracies, (networks, draws), weighed by their precision.
    """
    places, hyper = len(alike[1]), fit.hyper
    if same is None and not hyper.roughness:
        return np.zeros((places, rest.shape[1]))
    prior, cross = hyper.size * alike[0], hyper.size * alike[1]
    if same is not None:
        prior = prior + hyper.deviation**2 * np.eye(places)
        cross = cross + hyper.deviation**2 * same
    left = prior - cross @ fit.inverse @ cross.T
    jitter = _JITTER * max(float(np.diag(prior).max()), 1.0)
    factor = np.linalg.cholesky(left + jitter * np.eye(places))
    drawn: Floats = cross @ rest + factor @ rng.standard_normal((places, rest.shape[1]))
    return drawn
