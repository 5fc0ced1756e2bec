"""A sweep in its run folder: what it is going to do, and what is said of what it found."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas.networks.cost import cost
from nas.runs.folder import RunFolder, RunStage, logged
from nas.trainings.log import PER_STAGE, SWEEP
from nas.verbs.classes import of_data
from nas.verbs.columns import table
from nas.verbs.config import Config
from nas.verbs.epochs import trained_for
from nas.verbs.evaluation import (
    evaluator_of,
    measured_with,
    prepare_in,
    say_data,
    scaled_evaluator,
)
from nas.verbs.executor import check_executor, executor
from nas.verbs.progress import ProgressLine
from nas.verbs.same_data import check_same_data
from search_spaces.arch import Arch
from search_spaces.parsing import from_mapping

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nas.trainings.engine import Trainer
    from scaling_search.grow.grid import Grid, GridPrice
    from scaling_search.judge.separation import GridAtPhi
    from scaling_search.judge.winner import CandidateResult, Findings
    from scaling_search.settings import SweepSettings
    from scaling_search.sweep import SweepPlan, SweepProgress

_MOST_TIES = 8


def per_stage(result: "Findings", count: int, config: Config, run: Path) -> str:
    """Race the winner against variants whose stages are not scaled alike; what came of it."""
    from scaling_search.per_stage import run_per_stage, variants

    uniform, seed = result.winner.candidate.arch, result.settings.seed
    networks = (uniform, *variants(uniform, count, seed=seed))
    evaluator = evaluator_of(config, networks)
    workers = executor(config, evaluator, "workers", config["workers"])
    line = ProgressLine("per stage")
    names = of_data(uniform, evaluator, config["num_classes"]).names
    made_with = measured_with(evaluator, config, names)
    log = run / PER_STAGE
    folder = RunFolder(run)
    with folder.stage(logged("per_stage", made_with, log, "per_stage.csv")):
        prepare_in(folder, evaluator, made_with["evaluator"])
        answer = run_per_stage(
            networks,
            evaluator,
            run,
            workers,
            seed=seed,
            classes=names,
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
    from scaling_search.grow.grid import counted, make_grid
    from scaling_search.judge.separation import grids_at_phis
    from scaling_search.settings import SweepSettings

    settings = from_mapping(SweepSettings, config["sweep"], "sweep")
    # What is timed is not known before; MACs stand for it.
    price = counted("macs" if settings.cost == "latency" else settings.cost)
    rows = plan_table(grids_at_phis(baseline, replace(settings, phis=()), price=price))
    grid = make_grid(baseline, settings, price)
    at = f"φ = {settings.phi:g} ({settings.depth_rounding})"
    return f"{rows}\n\nnetworks at {at} and their ({grid.rule.symbols}):\n{merge_map(grid)}"


def plan_table(rows: "Sequence[GridAtPhi]") -> str:
    """A row a φ and rounding, and the one that tells candidates apart best for its cost."""
    from scaling_search.judge.separation import recommended

    header = ("φ", "layers", "points", "networks", "depths", "realised", "paper's", "separation")
    cells = [
        (
            f"{row.phi:g}",
            row.depth_rounding,
            row.grid.points,
            len(row.grid.candidates),
            row.grid.depth_vectors,
            "{:.2f}–{:.2f}×".format(*row.grid.realised_range),
            "" if row.papers_ratio is None else f"{row.papers_ratio:.2f}×",
            f"{row.separation:.4f}",
        )
        for row in rows
    ]
    best = recommended(rows)
    advice = f"phi={best.phi:g} depth_rounding={best.depth_rounding}"
    return f"{table(header, cells)}\nbest told apart for the cost: {advice}"


def merge_map(grid: "Grid") -> str:
    """A line a network: what it costs, and the grid points that all realise it."""
    return "\n".join(
        f"{candidate.index:>4}  {candidate.realised_ratio:.2f}×  "
        + " = ".join(f"({point})" for point in candidate.points)
        for candidate in grid.candidates
    )


def check_sweep(network: Arch, config: Config) -> None:
    """Raises UserError for settings of which no sweep can be made, for this network or any."""
    from scaling_search.grow.grid import make_grid
    from scaling_search.settings import SweepSettings

    settings = from_mapping(SweepSettings, config["sweep"], "sweep")
    trained_for(config, settings.epochs)
    check_executor(config, "workers", config["workers"], settings.asha)
    if settings.constraint == "nominal":  # which candidates there are is no matter of the network
        make_grid(network, settings)


def sweep(baseline: Arch, config: Config, run: Path) -> "Findings":
    """Records, `sweep.csv` and `constants.yaml` in the run folder.

    The baseline tells the data's classes apart, unless `num_classes` says how many.
    """
    from scaling_search.grow.grid import counted
    from scaling_search.judge.counted import validation_images
    from scaling_search.plan import may_train
    from scaling_search.settings import SweepSettings
    from scaling_search.sweep import plan_sweep, run_sweep

    settings = from_mapping(SweepSettings, config["sweep"], "sweep")
    other = trained_for(config, settings.epochs)
    check_executor(config, "workers", config["workers"], settings.asha)
    classes = of_data(baseline, scaled_evaluator(config), config["num_classes"])
    baseline = classes.network
    networks = may_train(baseline, settings)
    evaluator = evaluator_of(config, networks)
    workers = executor(config, evaluator, "workers", config["workers"], settings.asha)
    lengths = {epochs: _trainer(each, networks) for epochs, each in other.items()}
    price = None if settings.cost == "latency" else counted(settings.cost)
    # Records are of a network and a seed; what the grid was that asked for them does not matter.
    made_with = measured_with(evaluator, config, classes.names)
    check_same_data(run, made_with["about"])
    images = validation_images(made_with["about"])
    plan = plan_sweep(baseline, settings, run, price, images)
    folder = RunFolder(run)
    with folder.stage(_stage(run, made_with, plan)):
        if price is None:
            price = _timed(baseline, settings, run)
            plan = plan_sweep(baseline, settings, run, price, images)
            folder.note(_stage(run, made_with, plan))
        prepare_in(folder, evaluator, made_with["evaluator"])
        for epochs, trainer in lengths.items():
            identity = measured_with(trainer.evaluator, other[epochs])["evaluator"]
            prepare_in(folder, trainer.evaluator, identity)
        say_data(evaluator)
        print(plan)
        return run_sweep(
            baseline,
            settings,
            evaluator,
            run,
            workers,
            price=price,
            strategy=plan.strategy,
            lengths=lengths,
            progress=_SweepReport(),
        )


def _trainer(config: Config, networks: "Sequence[Arch]") -> "Trainer":
    from nas.trainings.engine import Trainer

    evaluator = evaluator_of(config, networks)
    return Trainer(evaluator, executor(config, evaluator, "workers", config["workers"]))


def _stage(run: Path, made_with: Mapping[str, Any], plan: "SweepPlan") -> RunStage:
    from scaling_search.plan import beside

    settings, candidates = plan.settings, plan.grid.candidates
    racing = range(len(candidates)) if settings.strategy == "grid" else settings.in_band(plan.grid)
    low, high = settings.cost_band()
    asked = {
        "phi": settings.phi,
        "target_ratio": round(settings.target_ratio(), 6),
        "band": [round(low, 6), round(high, 6)],
        "strategy": settings.strategy,
        "cost": settings.cost,
        "most": plan.most,
        "networks": [candidates[index].arch.key() for index in racing],
        **({"epochs": list(settings.epochs)} if settings.epochs else {}),
        "beside": [each.arch.key() for each in beside(settings, plan.grid)],
        **({"baseline_macs": cost(plan.grid.baseline).macs} if settings.cost == "macs" else {}),
    }
    log = run / SWEEP
    return logged("sweep", made_with, log, "sweep.csv", "constants.yaml", asked=asked)


def _timed(baseline: Arch, settings: "SweepSettings", run: Path) -> "GridPrice":
    from nas.latency.measure import LatencySettings, measure
    from scaling_search.grow.timed_price import timed_price

    def timer(archs: "Sequence[Arch]") -> list[float]:
        line = ProgressLine(f"time {len(archs)} networks")
        found, _ = measure(
            archs, LatencySettings(runs=15), lambda done, total: line(done, total, "", None)
        )
        return [latency.median for latency in found]

    return timed_price(baseline, settings, run / "sweep_latency.yaml", timer)


def summary(result: "Findings", run: Path) -> str:
    """What is named and how sure it is, and the candidates that may be best, for the terminal."""
    ties = sorted(result.ties, key=lambda tie: tie.mean or 0.0, reverse=True)
    rows = [_row(result.winner, " *"), *(_row(tie, "") for tie in ties[:_MOST_TIES])]
    expected = (
        "expected proxy accuracy" if result.settings.strategy == "model" else "proxy accuracy"
    )
    symbols = result.grid.rule.symbols
    best = "* best of the trained" if result.settings.strategy == "model" else "* best"
    header = (f"{symbols} ({best})", expected, "trainings", "nominal", "realised")
    turns = (result.turn_with_cost, result.turn_with_epochs)
    others = f"{len(ties)} more cannot be told from the best" if ties else "no ties"
    cut = f"; {_MOST_TIES} of them are shown" if len(ties) > _MOST_TIES else ""
    return (
        f"{table(header, rows)}\n{others}{cut}\n\n{_named(result)}\n{result.estimate.verdict}\n"
        f"{''.join(f'{each.verdict}{chr(10)}' for each in turns if each)}"
        f"written to {run / 'constants.yaml'}, sweep.csv"
    )


def _row(each: "CandidateResult", mark: str) -> tuple[str | int, ...]:
    error = "" if each.stderr is None else f" ± {each.stderr:.4f}"
    return (
        str(each.candidate.constants) + mark,
        f"{each.mean:.4f}{error}",
        len(each.accuracies),
        f"{each.candidate.nominal_ratio:.2f}×",
        f"{each.candidate.realised_ratio:.2f}×",
    )


def _named(result: "Findings") -> str:
    """The constants that are named, and the estimate of all trainings with its intervals."""
    found = result.estimate
    if found.at_chance:
        return f"named: {result.grid.rule.symbols} {result.constants}, the published ones"
    symbols = [dimension.symbol for dimension in found.constants.rule]
    values = zip(symbols, found.constants.values, found.low.values, found.high.values, strict=True)
    intervals = ", ".join(f"{s} {v:g} [{low:g}, {high:g}]" for s, v, low, high in values)
    estimate = f"all trainings together: {intervals} (95 %)"
    named = f"named: {result.grid.rule.symbols} {result.constants}"
    if result.constants == found.named:
        way = f"{100 * found.weight:.0f} % of the way from {found.known} to the estimate"
        return f"{estimate}\n{named}, {way}"
    return f"{estimate}\n{named}, the best candidate's"


@dataclass(frozen=True, slots=True)
class _SweepReport:
    """Tells the terminal of each training."""

    line: ProgressLine = field(default_factory=lambda: ProgressLine("sweep"))

    def __call__(self, now: "SweepProgress") -> None:
        note = ""
        if now.best is not None:
            found = now.best.constants
            measured = f"proxy accuracy {now.best_accuracy:.4f}"
            note = f"highest measured {found.rule.symbols} {found} ({measured})"
        self.line(now.done, now.total, note, now.seconds_left)
