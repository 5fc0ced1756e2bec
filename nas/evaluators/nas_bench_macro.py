"""NAS-Bench-Macro: CIFAR-10 accuracies of 6,561 networks, each trained three times.

Su et al., "Prioritized Architecture Sampling with Monto-Carlo Tree Search", CVPR 2021
(arXiv 2103.11922); the file is nas-bench-macro_cifar10.json of xiusu/NAS-Bench-Macro.
"""

import hashlib
import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from nas.defaults.conf import default
from nas.evaluators.base import Evaluator, Measurement, ProgressReport, Report
from nas.evaluators.identity import file_identity
from nas.evaluators.rows import MOST_BYTES, read_json
from nas.evaluators.table import look_up
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.space import Space, load_space


@dataclass(frozen=True, kw_only=True)
class NasBenchMacroEvaluator(Evaluator):
    """Looks an architecture up in the benchmark's own file.

    Networks that differ only in where their identities stand are one, and share their figures.
    """

    path: str
    space: Mapping[str, Any]
    """As `space=nas_bench_macro` spells it."""
    trial: Literal["mean", "seed"] = default("evaluator/nas_bench_macro", "trial")
    """`mean` of the trainings, or one of them, which the evaluation's seed picks."""

    @cached_property
    def loaded_space(self) -> Space:
        """The space that `space` spells."""
        return load_space(self.space, "space")

    @cached_property
    def table(self) -> Mapping[str, tuple[float, ...]]:
        """Test accuracies of a network's trainings, as fractions, by its key."""
        data = read_json(self.path)
        if not isinstance(data, Mapping) or not data:
            raise UserError(f"{self.path}: expected NAS-Bench-Macro's mapping of networks")
        return {
            self._decode(str(spelt)).key(): self._accuracies(str(spelt), entry)
            for spelt, entry in data.items()
        }

    @cached_property
    def means(self) -> Mapping[str, Measurement]:
        """The mean of a network's trainings, by its key."""
        return {
            key: Measurement(
                accuracy=statistics.fmean(trainings),
                noise=statistics.stdev(trainings) if len(trainings) > 1 else None,
            )
            for key, trainings in self.table.items()
        }

    def evaluate(self, arch: Arch, seed: int, report: Report) -> Measurement:
        """Give the test accuracy; under `trial: seed` three seeds in a row pick all trainings."""
        mean = look_up(self.means, arch, self.loaded_space, self.path)
        if self.trial == "mean":
            return mean
        trainings = self.table[arch.key()]
        return Measurement(accuracy=trainings[_pick(seed, arch.key(), len(trainings))])

    def describe(self) -> Mapping[str, str | int | float]:
        shown = {"mean": "mean of three trainings", "seed": "one of three trainings"}
        return {
            "dataset": "CIFAR-10 test accuracy, NAS-Bench-Macro",
            "accuracies": f"looked up, {shown[self.trial]}",
            "networks": len(self.table),
        }

    def identity(self) -> Mapping[str, object]:
        """Give how the file is read, and its content."""
        return file_identity(self, self.path, MOST_BYTES)

    def exact(self) -> bool:
        """Say that the mean of the trainings is what findings are judged by."""
        return self.trial == "mean"

    def prepare(self, workspace: Path, progress: ProgressReport) -> None:
        """Read the file; raises UserError where it is another, or the space is."""
        _ = self.means

    def _decode(self, spelt: str) -> Arch:
        choices = self.loaded_space.choices
        try:
            params = {
                choice.name: choice.options[int(digit)]
                for choice, digit in zip(choices, spelt, strict=True)
            }
        except (ValueError, IndexError):
            raise UserError(
                f"{self.path}: {spelt!r} is no network of space {self.loaded_space.name}: "
                f"NAS-Bench-Macro's file goes with space=nas_bench_macro"
            ) from None
        return self.loaded_space.decode(params)

    def _accuracies(self, spelt: str, entry: object) -> tuple[float, ...]:
        found = entry.get("test_acc") if isinstance(entry, Mapping) else None
        if not isinstance(found, list) or not found or not all(map(_is_percent, found)):
            raise UserError(
                f"{self.path}: {spelt}: expected a list test_acc of per cent, got {found!r}"
            )
        return tuple(value / 100 for value in found)


def _is_percent(value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value) and 0 <= value <= 100  # type: ignore[arg-type,operator]


def _pick(seed: int, key: str, count: int) -> int:
    """Pick a training: independently for each network, each once in `count` seeds in a row."""
    digest = hashlib.sha256(f"{seed // count} {key}".encode()).digest()
    return (seed + int.from_bytes(digest[:6], "big")) % count
