"""`sweep` as a function: the scaling constants of a baseline, and how sure they are."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas.api.given import (
    Chosen,
    Data,
    Evaluators,
    Networks,
    Recipes,
    data_option,
    network_of,
    settings_of,
)
from nas.api.heard import heard
from nas.defaults.conf import default, default_option
from scaling_search.rule.compound import COMPOUND
from scaling_search.rule.rule import Constants

if TYPE_CHECKING:
    import pandas as pd
    from plotly.graph_objects import Figure

    from scaling_search.judge.winner import CandidateResult, Findings


@dataclass(frozen=True, slots=True)
class SweepResult:
    """What a sweep has found of how a baseline grows best; its records lie in the run folder."""

    run: Path
    findings: "Findings"

    @property
    def constants(self) -> Constants:
        """The constants that are named: `result.constants.named()` has them by their names."""
        return self.findings.constants

    @property
    def low(self) -> Constants:
        """The lower end of each constant's 95 % interval, by all trainings together."""
        return self.findings.estimate.low

    @property
    def high(self) -> Constants:
        """The upper end of each constant's 95 % interval."""
        return self.findings.estimate.high

    @property
    def ties(self) -> "tuple[CandidateResult, ...]":
        """The candidates that cannot be told from the best of the trained."""
        return self.findings.ties

    @property
    def verdict(self) -> str:
        """What the trainings add to what was known, in one sentence."""
        return self.findings.estimate.verdict

    @property
    def records(self) -> "pd.DataFrame":
        """A row a network that was trained, with the columns of `sweep.csv`."""
        from nas.dashboard.frames import load_run

        return load_run(self.run, COMPOUND).sweep

    def plot(self) -> "Figure":
        """Proxy accuracy of each candidate against what it costs as built."""
        from nas.dashboard.frames import load_run
        from nas.dashboard.sweep import sweep_figure

        return sweep_figure(load_run(self.run, COMPOUND))

    def __str__(self) -> str:
        from nas.verbs.sweep import summary

        return summary(self.findings, self.run)


def sweep(
    baseline: Networks = default("sweep", "baseline"),
    data: Data = default_option("sweep", "data"),
    *,
    run: str | Path | None = None,
    settings: Chosen = default_option("sweep", "sweep"),
    evaluator: Evaluators = default_option("sweep", "evaluator"),
    recipe: Recipes = default_option("sweep", "recipe"),
    executor: str = default_option("sweep", "executor"),
    ray: Mapping[str, Any] | None = None,
    workers: int | None = default("sweep", "workers"),
    num_classes: int | None = default("sweep", "num_classes"),
    progress: bool = False,
) -> SweepResult:
    """Find the scaling constants of a baseline, or go on with the sweep of the run folder.

    `settings` is an option of `conf/sweep`: model, race, grid or coarse, with what differs. `run`
    is the folder that the baseline's file lies in, or `results/NAME` of the network, when it is
    None. All else is as in `search`.
    """
    network, reference = network_of(baseline, "baseline")
    config = settings_of(
        "sweep",
        {
            "data": data_option(data),
            "sweep": settings,
            "evaluator": evaluator,
            "recipe": recipe,
            "executor": executor,
            "ray": {} if ray is None else ray,
        },
        {"baseline": reference, "run": run, "workers": workers, "num_classes": num_classes},
    )
    folder = Path(config["run"])

    from nas.verbs.sweep import sweep as sweep_in  # brings NumPy

    with heard(progress):
        return SweepResult(folder, sweep_in(network, config, folder))
