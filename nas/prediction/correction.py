"""Estimates that cheap measurements give, put right by a few dear ones of the same networks."""

from dataclasses import dataclass

import numpy as np

from nas.prediction.gaussian_process import Floats, Prior, condition, fit

_LEAST = 4
"""Dear measurements below which they are more to be trusted than a model of them"""
_SMALLEST_ERROR = 1e-3
_PRIOR = Prior(noise=(0.3, 0.3), variance=(0.5, 0.3), trend=(0.3, 1.0))
"""So few differences do not tell what of them is noise: about half is taken to be. Chosen on
NAS-Bench-Macro with made-up biases: docs/search.md."""


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
    the logarithms of their errors is modelled by a Gaussian process over the features: what is
    common to all, what goes with the architecture, and noise. So each estimate lies between what
    the network's own dear measurement says, and what its cheap one says as the others correct it.
    Of fewer than four the dear measurements themselves are taken.
    """
    if len(dear) < _LEAST:
        return Corrected(dear, None)
    known = _log_error(cheap)
    differences = _log_error(dear) - known
    nothing = np.empty((len(dear), 0))
    kernel = fit(features, nothing, differences, _PRIOR)
    posterior = condition(kernel, features, nothing, differences)
    mean, covariance = posterior.joint(features, nothing)
    # The mean of all differences is itself known from these alone; it errs for all alike.
    covariance = covariance + kernel.value[1] ** 2 / len(dear)
    errors = np.exp(known + mean)
    return Corrected(1 - errors, covariance * np.outer(errors, errors))


def _log_error(accuracies: Floats) -> Floats:
    errors: Floats = np.log(np.maximum(1 - accuracies, _SMALLEST_ERROR))
    return errors
