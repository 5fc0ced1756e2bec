"""`nas-search bench`: samplers against each other where every accuracy is known."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna

from nas.bench.landscape import Landscape
from nas.bench.page import bench_page
from nas.bench.reference import find_reference
from nas.bench.runs import Conditions, Entrant, Result, fingerprint, missing, read, run
from nas.bench.summary import SamplerSummary, TrialsToBeat, best_known, summarise, trials_to_beat
from nas.evaluators.asked import description
from nas.evaluators.base import Evaluator
from nas.evaluators.identity import identity_of
from nas.runs.csv_files import write_rows
from nas.runs.folder import RunFolder, logged
from nas.samplers.base import Problem, SamplerFactory
from nas.searches.rewards import Reward
from nas.statistics.intervals import Interval
from nas.verbs.columns import table
from nas.verbs.config import Config, make
from nas.verbs.evaluation import prepare_in, say_data
from nas.verbs.price import price
from nas.verbs.progress import Pace, ProgressLine
from search_spaces.errors import UserError
from search_spaces.files import write_text
from search_spaces.parsing import closest
from search_spaces.space import load_space, space_identity
from search_spaces.yaml_io import load_arch


def main(config: Config) -> None:
    """Write `bench.jsonl`, `bench.csv` and `bench.html` into the run folder; print the table."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folder, seeds = Path(config["run"]), _seeds(config)
    trials, workers = config["trials"], config["workers"]
    at, processes = _at(config["at"], trials), _processes(config["processes"])
    landscape = _landscape(config)
    entrants = _entrants(config, landscape)
    made_with = {name: config[name] for name in _FIXED}
    made_with["evaluator"] = identity_of(landscape.evaluator, config["evaluator"])
    made_with["space"] = space_identity(landscape.space, config["space"])
    path = folder / "bench.jsonl"
    held = RunFolder(folder)
    with held.stage(logged("bench", made_with, path, "bench.csv")):
        prepare_in(held, landscape.evaluator, made_with["evaluator"])
        prepare_in(held, landscape.truth, identity_of(landscape.truth, _truth(config)))
        say_data(landscape.evaluator, landscape.truth)
        bar = _bar(config["bar"], landscape)
        print(f"looking for the best of {landscape.space.size:,} networks", file=sys.stderr)
        conditions = Conditions(landscape, find_reference(landscape), trials, workers, at)
        tasks = missing(entrants, seeds, read(path))
        run(tasks, conditions, path, processes, _on_result(len(tasks)))
        results = _comparable(read(path), config["samplers"])
        best = best_known(conditions.reference, results, landscape.is_front)
        report = summarise(results, best, at)
        bars = [] if bar is None else trials_to_beat(results, bar)
        _write(folder / "bench.csv", report)
        page = bench_page(results, report, best, _facts(conditions, best), landscape.is_front)
        write_text(folder / "bench.html", page)
    print(_shown(report, bars, config["bar"], landscape.is_front))
    print(f"\nwritten to {folder}: bench.html, bench.csv, bench.jsonl")


_FIXED = ("space", "evaluator", "truth", "reward", "cost", "trials", "workers", "at")
"""What all results of a folder are of."""


def _landscape(config: Config) -> Landscape:
    return Landscape(
        space=load_space(config["space"], "space"),
        evaluator=make(config["evaluator"], "evaluator", Evaluator),
        truth=make(_truth(config), "truth", Evaluator),
        reward=make(config["reward"], "reward", Reward),
        cost_metric=price(config),
    )


def _truth(config: Config) -> dict[str, Any]:
    """Give the settings of the truth's evaluator: the evaluator's, and those that differ."""
    truth = config["truth"] or {}
    if not isinstance(truth, Mapping):
        raise UserError(f"truth: expected settings of the evaluator, got {truth!r}")
    return {**config["evaluator"], **truth}


def _entrants(config: Config, landscape: Landscape) -> list[Entrant]:
    """The samplers asked for; those that are not for this many objectives are left out."""
    samplers: Mapping[str, Any] = config["samplers"]
    names = list(samplers) if config["only"] is None else config["only"]
    if not isinstance(names, list) or not names:
        raise UserError(f"only: expected a list of samplers, got {names!r}")
    for name in names:
        if not isinstance(name, str) or name not in samplers:
            raise UserError(f"only: got {name!r}{closest(name, samplers)}")
    entrants = [
        Entrant(name, make(samplers[name], f"samplers.{name}", SamplerFactory), samplers[name])
        for name in names
    ]
    problem = Problem(
        choices=landscape.space.choices,
        cost=lambda params: 1.0,
        reward=None if landscape.is_front else landscape.reward,
    )
    able, refusal = [], None
    for entrant in entrants:
        try:
            entrant.sampler.make(problem, 0)
            able.append(entrant)
        except UserError as error:
            refusal = error
            print(f"left out: {error}", file=sys.stderr)
    if refusal and not able:
        raise refusal
    return able


def _on_result(total: int) -> Callable[[int, Result], None]:
    line, pace = ProgressLine("bench"), Pace()

    def on_result(done: int, result: Result) -> None:
        note = f"{result.sampler} {result.steps[-1].found:.4f}"
        line(done, total, note, pace.step(total - done))

    return on_result


def _comparable(results: Sequence[Result], samplers: Mapping[str, Any]) -> list[Result]:
    """The results of samplers with these settings, sampler by sampler, from whichever call.

    A search that was run twice counts by its last result.
    """
    found: dict[tuple[str, int], Result] = {}
    for result in results:
        if result.fingerprint == fingerprint(samplers.get(result.sampler)):
            found[result.sampler, result.seed] = result
    order = list(samplers)
    return sorted(found.values(), key=lambda r: (order.index(r.sampler), r.seed))


def _bar(name: object, landscape: Landscape) -> float | None:
    """The reward that is to be beaten."""
    if name is None or landscape.is_front:
        return None
    arch, space = load_arch(str(name)), landscape.space
    (known,) = landscape.true_results([space.decode(space.encode(arch))])
    if known is None:
        raise UserError(f"bar: the evaluator knows nothing of {name}")
    return landscape.true_reward(known)


def _facts(conditions: Conditions, best: float) -> dict[str, str]:
    landscape = conditions.landscape
    about = {name: str(value) for name, value in description(landscape.evaluator).items()}
    reached = "the best there is" if conditions.reference.exact else "the best ever found"
    return {
        **about,
        "space": f"{landscape.space.name}, {landscape.space.size:,} candidates",
        "target": f"{landscape.reward.target:,.10g}",
        "workers": str(conditions.workers),
        **({} if landscape.is_front else {reached: f"{best:.5f}"}),
    }


def _shown(
    report: Sequence[SamplerSummary], bars: Sequence[TrialsToBeat], bar: object, is_front: bool
) -> str:
    found = "1 − hypervolume" if is_front else "regret"
    columns = ("sampler", "searches", "trials", found, "95 %", "best found")
    header = (*columns, "observed", "recommended", "ms")
    lines = [
        (
            row.sampler,
            row.searches,
            row.trials,
            f"{row.regret.value:.5f}",
            f"{row.regret.low:.5f}–{row.regret.high:.5f}",
            f"{row.hit.value:.0%}",
            f"{row.observed.value:.5f}",
            "–" if row.recommended is None else f"{row.recommended.value:.5f}",
            f"{row.milliseconds:.1f}",
        )
        for row in report
    ]
    text = table(header, lines)
    if bars:
        beating = [(b.sampler, f"{b.median:g}", f"{b.share:.0%}") for b in bars]
        text += "\n\n" + table(("sampler", f"trials to beat {bar}, median", "did"), beating)
    return text


def _write(path: Path, report: Sequence[SamplerSummary]) -> None:
    def ends(name: str, interval: Interval | None) -> dict[str, float | None]:
        values = (interval.value, interval.low, interval.high) if interval else (None, None, None)
        return dict(zip((name, f"{name}_low", f"{name}_high"), values, strict=True))

    lines = [
        {
            "sampler": row.sampler,
            "trials": row.trials,
            "searches": row.searches,
            **ends("regret", row.regret),
            **ends("hit", row.hit),
            **ends("observed_regret", row.observed),
            **ends("recommended_regret", row.recommended),
            "ms": row.milliseconds,
        }
        for row in report
    ]
    write_rows(path, list(lines[0]), lines)


def _seeds(config: Config) -> range:
    first: int = config["seed"]
    return range(first, first + config["seeds"])


def _processes(asked: int | None) -> int:
    return asked or len(os.sched_getaffinity(0))


def _at(given: object, trials: int) -> tuple[int, ...]:
    if not isinstance(given, list) or not all(isinstance(n, int) and n >= 1 for n in given):
        raise UserError(f"at: expected a list of numbers of trials, got {given!r}")
    return tuple(sorted({n for n in given if n < trials} | {trials}))
