"""Accuracies of all networks of a space, predicted from those of some."""

import hashlib
import json
import os
import random
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile

import numpy as np

from nas.defaults.conf import default
from nas.evaluators.base import Evaluator, Measurement, ProgressReport, Report
from nas.evaluators.rows import MOST_BYTES, RowsFile
from nas.evaluators.table import check_in_space
from nas.prediction.features import Encoding
from nas.prediction.gaussian_process import Kernel
from nas.prediction.regression import Floats, Quality, Regression, learn
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.files import expanded, read_bytes, written

if TYPE_CHECKING:
    from search_spaces.space import Params

_FORMAT = "surrogate 2"
_LEAST = 20
_MOST = 6000
"""Networks that are learnt from: with more, fitting takes minutes and gigabytes."""


@dataclass(frozen=True, kw_only=True)
class SurrogateEvaluator(RowsFile, Evaluator):
    """Predicts the accuracy of an architecture of the space by Gaussian process regression, from a
    table or from one's own records (a trials.csv).

    How well it does on networks that it was not shown is part of its description.
    """

    noise: float = default("evaluator/surrogate", "noise")
    """Standard deviation, a fraction, of the noise that is added to a prediction; the noise of an
    architecture and a seed is always the same."""
    cache: str | None = default("evaluator/surrogate", "cache")
    """Where the fit is kept, as NumPy arrays; in the user's cache folder when None.

    It is never kept beside the table: somebody else's table may come with a fit that is not its
    own."""

    def __post_init__(self) -> None:
        if not 0 <= self.noise < 1:
            raise UserError(f"noise: expected a fraction from 0 to 1, got {self.noise}")

    @property
    def cache_path(self) -> Path:
        """Where the fit is kept."""
        if self.cache is not None:
            return expanded(self.cache)
        home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
        return expanded(home) / "nas-search" / f"surrogate-{self._fingerprint[:32]}.npz"

    @cached_property
    def fitted(self) -> tuple[Regression, Quality]:
        """What was learnt, and how good it is: from the cache where that is of the same table."""
        fingerprint = self._fingerprint
        kept = _read(self.cache_path, fingerprint)
        if kept is not None:
            return kept
        rows = self._learnt_from()
        found = learn(
            self._features([params for params, _ in rows]), np.array([a for _, a in rows])
        )
        _write(self.cache_path, fingerprint, *found)
        return found

    def predict(self, many: "Iterable[Params]") -> Floats:
        """Give (n,) accuracies, without noise, of params as `Space.encode` spells them."""
        return self.fitted[0].predict(self._features(many))

    def predict_many(self, archs: Sequence[Arch]) -> list[float]:
        """Give the predicted accuracies, without noise: much faster than one by one."""
        predicted: list[float] = self.predict(map(self._params, archs)).tolist()
        return predicted

    def evaluate(self, arch: Arch, seed: int, report: Report) -> Measurement:
        """Give the predicted accuracy, with noise where that is asked for."""
        accuracy = float(self.predict([self._params(arch)])[0])
        if self.noise:
            accuracy += random.Random(f"{seed} {arch.key()}").gauss(0, self.noise)
        return Measurement(accuracy=min(max(accuracy, 0.0), 1.0), noise=self.noise or None)

    def describe(self) -> Mapping[str, str | int | float]:
        learnt, quality = self.fitted
        about: dict[str, str | int | float] = {
            "dataset": self.described_dataset(),
            "accuracies": f"predicted by a surrogate of {len(learnt.weights)} networks",
            "cross-validated Kendall τ": round(quality.tau, 3),
            "R²": round(quality.r2, 3),
        }
        return about | ({"noise": self.noise} if self.noise else {})

    def exact(self) -> bool:
        """Say that without noise it always predicts the same."""
        return not self.noise

    def prepare(self, workspace: Path, progress: ProgressReport) -> None:
        """Fit; raises UserError where the table is too small for it."""
        _ = self.fitted

    def data_summary(self) -> str:
        """Say how well networks that were left out are predicted."""
        learnt, quality = self.fitted
        return (
            f"surrogate of {len(learnt.weights)} networks of {self.path}: on networks left out, "
            f"Kendall τ {quality.tau:.3f}, R² {quality.r2:.3f}, error {quality.rmse:.4f}"
        )

    def _params(self, arch: Arch) -> "Params":
        """Encode `arch`; raises UserError, saying what the table is for, where it is not its."""
        try:
            return self.loaded_space.encode(arch)
        except UserError:
            check_in_space(arch, self.loaded_space, self.path)
            raise

    def _learnt_from(self) -> "list[tuple[Params, float]]":
        networks = list(self.networks().values())
        if len(networks) < _LEAST:
            raise UserError(
                f"{self.path}: expected at least {_LEAST} networks to fit a surrogate to, "
                f"got {len(networks)}"
            )
        if len({row.accuracy for row in networks}) == 1:
            raise UserError(f"{self.path}: all {len(networks)} networks have the same accuracy")
        if len(networks) > _MOST:
            networks = random.Random(0).sample(networks, _MOST)
        # One spelling for each network, whichever the table has.
        space = self.loaded_space
        return [(space.encode(space.decode(row.params)), row.accuracy) for row in networks]

    @cached_property
    def _encoding(self) -> Encoding:
        return Encoding(self.loaded_space.choices)

    def _features(self, many: "Iterable[Params]") -> Floats:
        return self._encoding.ramps(self._encoding.rows(many))

    @cached_property
    def _fingerprint(self) -> str:
        """A digest of all that the fit depends on."""
        sizes = self._encoding.sizes
        each = np.minimum(np.arange(sizes.max(initial=1))[:, None], sizes - 1)
        table = read_bytes(expanded(self.path), MOST_BYTES)
        read = [self.space, self.scale, self.accuracy, dict(self.columns)]
        digest = hashlib.sha256(json.dumps([_FORMAT, *read]).encode())
        digest.update(self._encoding.ramps(each).tobytes())
        digest.update(table)
        return digest.hexdigest()


def _read(path: Path, fingerprint: str) -> tuple[Regression, Quality] | None:
    """Read a fit that was kept; None where there is none, or one of another table."""
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as kept:
            if str(kept["format"]) != _FORMAT:
                raise KeyError("format")
            if str(kept["fingerprint"]) != fingerprint:
                return None
            noise, variance, mean, scale = (float(value) for value in kept["kernel"])
            nothing = np.empty(0), np.empty(0)
            kernel = Kernel(
                noise, variance, kept["relevance"], kept["slopes"], (mean, scale), nothing
            )
            quality = Quality(*(float(value) for value in kept["quality"]))
            return Regression(kernel, kept["features"], kept["weights"]), quality
    except (OSError, EOFError, ValueError, LookupError, TypeError, AttributeError, BadZipFile):
        raise UserError(
            f"evaluator.cache: {path} is there, and is no surrogate: delete it, or give another"
        ) from None


def _write(path: Path, fingerprint: str, learnt: Regression, quality: Quality) -> None:
    kernel = learnt.kernel
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written(path) as file:
            np.savez(
                file,
                format=np.array(_FORMAT),
                fingerprint=np.array(fingerprint),
                features=learnt.features,
                weights=learnt.weights,
                kernel=np.array([kernel.noise, kernel.variance, *kernel.value]),
                relevance=kernel.relevance,
                slopes=kernel.slopes,
                quality=np.array([quality.tau, quality.r2, quality.rmse]),
            )
    except OSError as error:
        print(
            f"surrogate not kept: {path}: {error.strerror}; evaluator.cache=… says where",
            file=sys.stderr,
        )
