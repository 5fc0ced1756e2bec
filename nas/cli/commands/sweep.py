"""`nas-search sweep`: find the scaling constants of a baseline."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas.cli.columns import table
from nas.cli.commands.executor import check_executor, executor
from nas.cli.commands.found import say_found
from nas.cli.config import Config, make
from nas.cli.progress import Progress
from nas.evaluators.base import Evaluator, measuring
from nas.evaluators.identity import identity_of
from nas.runs.folder import RunFolder, Stage, logged
from nas.trainings.log import PER_STAGE, SWEEP
from search_spaces.arch import Arch
from search_spaces.parsing import from_mapping
from search_spaces.yaml_io import load_arch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scaling_search.grow.grid import Price
    from scaling_search.judge.answer import SweepResult
    from scaling_search.settings import SweepSettings
    from scaling_search.sweep import Progress as SweepProgress
    from scaling_search.sweep import SweepPlan


def main(config: Config) -> None:
    """Sweep, or go on with a sweep, in the run folder; print the constants."""
    if config["plan"]:
        print(plan(load_arch(str(config["baseline"])), config))
        return
    run, count = Path(config["run"]), config["per_stage"]
    result = sweep(load_arch(str(config["baseline"])), config, run)
    print(summary(result, run))
    if count:
        print(f"\n{per_stage(result, count, config, run)}")


def per_stage(result: "SweepResult", count: int, config: Config, run: Path) -> str:
    """Race the winner against variants whose stages are not scaled alike; what came of it."""
    from scaling_search.per_stage import run_per_stage

    evaluator: Evaluator = measuring(make(config["evaluator"], "evaluator", Evaluator))
    workers = executor(config, evaluator, "workers", config["workers"])
    line = Progress("per stage")
    made_with = {
        "evaluator": identity_of(evaluator, config["evaluator"]),
        "about": dict(evaluator.describe()),
    }
    uniform = result.winner.candidate.arch
    log = run / PER_STAGE
    with RunFolder(run).stage(logged("per_stage", made_with, log, "per_stage.csv")):
        answer = run_per_stage(
            uniform,
            evaluator,
            run,
            workers,
            count=count,
            seed=result.settings.seed,
            progress=lambda done, total, seconds_left: line(done, total, "", seconds_left),
        )
    best = answer.comparison.estimates[answer.comparison.winner]
    verdict = "cannot be told from" if answer.uniform_holds else "is beaten by"
    return (
        f"per stage: scaling all stages alike {verdict} the best of {count} networks of its cost "
        f"(proxy accuracy {best.mean:.4f}); written to {run / 'per_stage.yaml'}, per_stage.csv"
    )


def plan(baseline: Arch, config: Config) -> str:
    """What each φ and rounding make of the grid, and the map of the configured one's networks."""
    from scaling_search.grow.grid import make_grid
    from scaling_search.judge.forecast import merge_map, survey, survey_text
    from scaling_search.settings import SweepSettings

    settings = from_mapping(SweepSettings, config["sweep"], "sweep")
    rows = survey_text(survey(baseline, settings))
    title = f"networks at φ = {settings.phi:g} ({settings.depth_rounding}) and their (α, β, γ):"
    return f"{rows}\n\n{title}\n{merge_map(make_grid(baseline, settings))}"


def check_sweep(network: Arch, config: Config) -> None:
    """Raises UserError for settings of which no sweep can be made, for this network or any."""
    from scaling_search.grow.grid import make_grid
    from scaling_search.settings import SweepSettings

    settings = from_mapping(SweepSettings, config["sweep"], "sweep")
    check_executor(config, "workers", config["workers"], settings.asha)
    if settings.constraint == "nominal":  # which candidates there are is no matter of the network
        make_grid(network, settings)


def sweep(baseline: Arch, config: Config, run: Path) -> "SweepResult":
    """Records, `sweep.csv` and `constants.yaml` in the run folder."""
    from scaling_search.settings import SweepSettings
    from scaling_search.sweep import plan_sweep, run_sweep

    settings = from_mapping(SweepSettings, config["sweep"], "sweep")
    evaluator: Evaluator = measuring(make(config["evaluator"], "evaluator", Evaluator))
    workers = executor(config, evaluator, "workers", config["workers"], settings.asha)
    plan = plan_sweep(baseline, settings, run)
    evaluator.prepare()
    # Records are of a network and a seed; what the grid was that asked for them does not matter.
    made_with = {
        "evaluator": identity_of(evaluator, config["evaluator"]),
        "about": dict(evaluator.describe()),
    }
    folder = RunFolder(run)
    with folder.stage(_stage(run, made_with, plan)):
        price = None
        if settings.cost == "latency":
            price = _timed(baseline, settings, run)
            plan = plan_sweep(baseline, settings, run, price)
            folder.note(_stage(run, made_with, plan))
        say_found(evaluator)
        print(plan)
        return run_sweep(
            baseline, settings, evaluator, run, workers, price=price, progress=_Report()
        )


def _stage(run: Path, made_with: Mapping[str, Any], plan: "SweepPlan") -> Stage:
    settings, candidates = plan.settings, plan.grid.candidates
    racing = settings.in_band(plan.grid) if settings.strategy == "race" else range(len(candidates))
    low, high = settings.cost_band()
    asked = {
        "phi": settings.phi,
        "target_ratio": round(settings.target_ratio(), 6),
        "band": [round(low, 6), round(high, 6)],
        "networks": [candidates[index].arch.key() for index in racing],
    }
    log = run / SWEEP
    return logged("sweep", made_with, log, "sweep.csv", "constants.yaml", asked=asked)


def _timed(baseline: Arch, settings: "SweepSettings", run: Path) -> "Price":
    from nas.latency.measure import LatencySettings, measure
    from scaling_search.latency_price import timed_price

    def timer(archs: "Sequence[Arch]") -> list[float]:
        line = Progress(f"time {len(archs)} networks")
        found, _ = measure(
            archs, LatencySettings(runs=15), lambda done, total: line(done, total, "", None)
        )
        return [latency.median for latency in found]

    return timed_price(baseline, settings, run / "sweep_latency.yaml", timer)


def summary(result: "SweepResult", run: Path) -> str:
    """The winner, and whoever may be as good, as a table for the terminal."""
    rows = []
    ties = sorted(result.ties, key=lambda tie: tie.mean or 0.0, reverse=True)
    for standing in (result.winner, *ties):
        candidate = standing.candidate
        error = "" if standing.stderr is None else f" ± {standing.stderr:.4f}"
        rows.append(
            (
                str(candidate.constants) + (" *" if standing.winner else ""),
                f"{standing.mean:.4f}{error}",
                f"{candidate.nominal_ratio:.2f}×",
                f"{candidate.realised_ratio:.2f}×",
            )
        )
    header = ("α, β, γ (* best)", "proxy accuracy", "nominal", "realised")
    others = f"{len(result.ties)} more cannot be told from the best" if result.ties else "no ties"
    return f"{table(header, rows)}\n{others}; written to {run / 'constants.yaml'}, sweep.csv"


@dataclass(frozen=True, slots=True)
class _Report:
    """Tells the terminal of each training."""

    line: Progress = field(default_factory=lambda: Progress("sweep"))

    def __call__(self, now: "SweepProgress") -> None:
        note = ""
        if now.best is not None:
            note = f"best α, β, γ {now.best.constants} (proxy accuracy {now.best_accuracy:.4f})"
        self.line(now.done, now.total, note, now.seconds_left)
