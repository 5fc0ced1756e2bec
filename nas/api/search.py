"""`search` as a function: a baseline is looked for, or a search goes on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas.api.given import (
    Costs,
    Data,
    Evaluators,
    Recipes,
    Rewards,
    Samplers,
    Spaces,
    data_option,
    settings_of,
    space_option,
)
from nas.api.heard import heard
from nas.defaults.conf import default, default_option
from scaling_search.rule.compound import COMPOUND
from search_spaces.arch import Arch
from search_spaces.yaml_io import load_arch

if TYPE_CHECKING:
    import pandas as pd
    from plotly.graph_objects import Figure

    from nas.runs.records import Record, Standing

_SEARCH = "search/default"


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search has found; its records lie in the run folder."""

    run: Path
    standing: "Standing"

    @property
    def baseline(self) -> Arch:
        """The network that is expected to have the best reward, as `baseline.yaml` has it."""
        return load_arch(str(self.run / "baseline.yaml"))

    @property
    def record(self) -> "Record":
        """The baseline's record: its accuracy with its error, its reward and its cost."""
        return self.standing.baseline

    @property
    def front(self) -> "tuple[Record, ...]":
        """The records on the front of accuracy and cost, cheapest first; each has its `arch`."""
        return self.standing.front

    @property
    def ties(self) -> "tuple[Record, ...]":
        """Other records whose reward is within the measured noise of the baseline's."""
        return self.standing.ties

    @property
    def records(self) -> "pd.DataFrame":
        """A row a trial, finished or failed, with the columns of `trials.csv`."""
        from nas.dashboard.frames import load_run

        return load_run(self.run, COMPOUND).trials

    def plot(self) -> "Figure":
        """Proxy accuracy against cost: every trial, the front and the baseline."""
        from nas.dashboard.frames import load_run
        from nas.dashboard.trials import accuracy_against_macs_figure

        return accuracy_against_macs_figure(load_run(self.run, COMPOUND))

    def __str__(self) -> str:
        from nas.verbs.search import summary, validated_on

        return summary(self.standing, self.run, validated_on(self.run))


def search(
    data: Data = default_option("search", "data"),
    *,
    run: str | Path | None = None,
    space: Spaces = default_option("search", "space"),
    evaluator: Evaluators = default_option("search", "evaluator"),
    recipe: Recipes = default_option("search", "recipe"),
    sampler: Samplers = default_option("search", "sampler"),
    cost: Costs = default_option("search", "cost"),
    reward: Rewards = default_option("search", "reward"),
    executor: str = default_option("search", "executor"),
    ray: Mapping[str, Any] | None = None,
    trials: int = default(_SEARCH, "trials"),
    budget: str | None = default(_SEARCH, "budget"),
    seeds: int = default(_SEARCH, "seeds"),
    seed: int = default(_SEARCH, "seed"),
    confirm: int = default(_SEARCH, "confirm"),
    macs_max: float | None = default(_SEARCH, "macs_max"),
    params_max: float | None = default(_SEARCH, "params_max"),
    latency_max: float | None = default(_SEARCH, "latency_max"),
    failures_max: int = default(_SEARCH, "failures_max"),
    workers: int | None = default(_SEARCH, "workers"),
    start_from: Sequence[str] | None = default(_SEARCH, "start_from"),
    num_classes: int | None = None,
    latency_table: str | Path | None = None,
    storage: str | None = None,
    study: str | None = None,
    from_csv: bool = False,
    progress: bool = False,
) -> SearchResult:
    """Search for a baseline, or go on: the run folder holds `trials` finished trials at the end, or
    as many as fit into a time such as `budget="30m"`.

    Each option is a name, an `Option` with settings that differ, a mapping of what differs from
    the default one, or an object. `run` is `results/NAME` of the data when it is None. The other
    settings are those of `nas-search search`, and so are the records and files. Nothing is printed
    without `progress`. Raises UserError for a mistake, CommandFailed where a preparation fails.
    """
    config = settings_of(
        "search",
        {
            "data": data_option(data),
            "space": space_option(space),
            "evaluator": evaluator,
            "recipe": recipe,
            "sampler": sampler,
            "cost": cost,
            "reward": reward,
            "executor": executor,
            "ray": {} if ray is None else ray,
        },
        {
            "run": run,
            "num_classes": num_classes,
            "latency_table": latency_table,
            "storage": storage,
            "study": study,
            "from_csv": from_csv,
            "search.trials": trials,
            "search.budget": budget,
            "search.seeds": seeds,
            "search.seed": seed,
            "search.confirm": confirm,
            "search.macs_max": macs_max,
            "search.params_max": params_max,
            "search.latency_max": latency_max,
            "search.failures_max": failures_max,
            "search.workers": workers,
            "search.start_from": start_from,
        },
    )
    folder = Path(config["run"])

    from nas.verbs.search import search as search_in  # brings Optuna and SciPy

    with heard(progress):
        return SearchResult(folder, search_in(config, folder))
