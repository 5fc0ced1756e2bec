"""Surfaces drawn from the posterior: what else accuracy may be like, given the trainings."""

import numpy as np
from numpy.typing import NDArray

from scaling_search.judge.surface import NOISES, Fit, Places, Surface, similarity

Floats = NDArray[np.float64]

_JITTER = 1e-9


def draw_networks(surface: Surface, networks: Places, count: int, seed: int = 0) -> Floats:
    """(draws, networks) accuracies, own deviations included, without the noise of a training.

    The first of the networks are those that the surface was fitted to, in their order. Equal calls
    draw equally.
    """
    return _draw(surface, networks, count, seed, own=True)


def draw_smooth(surface: Surface, places: Places, count: int, seed: int = 0) -> Floats:
    """(draws, places) accuracies of no network in particular: what is smooth of the surface."""
    return _draw(surface, places, count, seed, own=False)


def _draw(surface: Surface, places: Places, count: int, seed: int, own: bool) -> Floats:
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
        drawn = at_places @ weights.T + _deviations(fit, alike, rest, rng, own)
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
    fit: Fit, alike: tuple[Floats, Floats], rest: Floats, rng: np.random.Generator, own: bool
) -> Floats:
    """(places, draws) of g, and with `own` of δ, in σ.

    `rest` is what the basis left of the accuracies, (networks, draws), weighed by their precision.
    """
    (places, seen), hyper = alike[1].shape, fit.hyper
    if not (own or hyper.roughness):
        return np.zeros((places, rest.shape[1]))
    prior, cross = hyper.size * alike[0], hyper.size * alike[1]
    if own:
        prior = prior + hyper.deviation**2 * np.eye(places)
        cross = cross + hyper.deviation**2 * np.eye(places, seen)
    left = prior - cross @ fit.inverse @ cross.T
    jitter = _JITTER * max(float(np.diag(prior).max()), 1.0)
    factor = np.linalg.cholesky(left + jitter * np.eye(places))
    drawn: Floats = cross @ rest + factor @ rng.standard_normal((places, rest.shape[1]))
    return drawn
