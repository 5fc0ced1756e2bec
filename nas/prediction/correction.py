"""Estimates that cheap measurements give, put right by a few dear ones of the same networks."""

from dataclasses import dataclass

import numpy as np

from nas.prediction.gaussian_process import Floats, Prior, condition, fit

_LEAST = 4
"""Dear measurements below which they are more to be trusted than a model of them"""
_SMALLEST_ERROR = 1e-3
_PRIOR = Prior(noise=(1.0, 0.3), variance=(0.3, 0.3), trend=(0.3, 1.0))
"""So few differences hardly tell what of them goes with the architecture. Chosen on NAS-Bench-Macro
with made-up biases, of some priors that name as good networks the one of the most honest errors."""
_OWN_SHARE = 0.5
"""The share of what the model leaves unexplained that is taken to be the network's own, not noise
of its dear measurement. So few measurements do not tell the two apart."""


@dataclass(frozen=True, slots=True)
class Corrected:
    """What is expected of (n,) networks that were measured both ways."""

    accuracies: Floats
    """(n,) fractions"""
    covariance: Floats | None
    """(n, n) of their errors; None where nothing tells them"""

    @property
    def stderrs(self) -> Floats | None:
        """(n,) standard errors of the accuracies."""
        return None if self.covariance is None else np.sqrt(np.diag(self.covariance))


def corrected(features: Floats, cheap: Floats, dear: Floats) -> Corrected:
    """The accuracies that dear measurements would have on average over their noise.

    `cheap` and `dear` are the (n,) accuracies of networks with (n, f) features. The difference of
    the logarithms of their errors is modelled as what is common to all, a Gaussian process over the
    features, and a remainder: in part the network's own, in part noise. So an estimate lies between
    the network's own dear measurement and its cheap one, put right by what the others differ in.
    Of fewer than four the dear measurements themselves are taken.
    """
    if len(dear) < _LEAST:
        return Corrected(dear, None)
    known = _log_error(cheap)
    differences = _log_error(dear) - known
    nothing = np.empty((len(dear), 0))
    kernel = fit(features, nothing, differences, _PRIOR)
    observed = condition(kernel, features, nothing, differences)
    mean, scale = kernel.value[0], float(differences.std())
    true = kernel(observed.seen, observed.seen) + _OWN_SHARE * kernel.noise * np.eye(len(dear))
    errors = np.minimum(np.exp(known + mean + scale * (true @ observed.weights)), 1.0)
    # The mean of all differences is known from these alone; where it errs, it does so for all.
    covariance = scale**2 * (true - true @ observed.inverse @ true + 1 / len(dear))
    return Corrected(1 - errors, covariance * np.outer(errors, errors))


def _log_error(accuracies: Floats) -> Floats:
    errors: Floats = np.log(np.maximum(1 - accuracies, _SMALLEST_ERROR))
    return errors
