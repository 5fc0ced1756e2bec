"""How well a proxy ranks networks, beside their MACs alone."""

import functools
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nas.dashboard.wording import proxy_words
from nas.evaluators.asked import class_names, description
from nas.evaluators.base import EvaluationFailed, Evaluator
from nas.evaluators.identity import identity_of
from nas.evaluators.measured import measured
from nas.networks.cost import cost
from nas.proxies.page import Check, check_page
from nas.proxies.report import (
    HEADER,
    Baseline,
    RewardOf,
    Verdict,
    accuracies,
    baselines,
    cells,
    conclusion,
    dearest,
    verdict,
)
from nas.proxies.sample import spread_sample
from nas.runs.csv_files import write_rows
from nas.runs.folder import RunFolder, RunStage, logged
from nas.searches.rewards import Reward
from nas.statistics.intervals import Interval
from nas.trainings.engine import LabelledArch, Trainings, train
from nas.trainings.log import PROXY_CHECK, TrainingLog
from nas.trainings.record import TrainingRecord
from nas.trainings.strategies import FlatGrid
from nas.verbs.columns import table
from nas.verbs.config import Config, make
from nas.verbs.evaluation import prepare_in, say_data
from nas.verbs.executor import executor
from nas.verbs.price import price
from nas.verbs.progress import Pace, ProgressLine
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.files import write_text
from search_spaces.space import load_space, space_identity


@dataclass(frozen=True, slots=True)
class ProxyCheck:
    """How well proxies rank networks, and what ranks them for free."""

    run: Path
    space: str
    networks: int
    against: str
    """What ranks them truly, in words."""
    reference: str | None
    """The proxy that does; None where there is a truth."""
    verdicts: tuple[Verdict, ...]
    """One a proxy."""
    free: tuple[Baseline, ...]
    """MACs and parameters, which need no training."""

    def __str__(self) -> str:
        return (
            f"{self.networks} networks of {self.space}, against {self.against}\n\n"
            f"{_shown(self)}\n\n{conclusion(self.verdicts, self.reference)}\n\n"
            f"written to {self.run}: proxy_check.html, proxy_check.csv, proxy_check.jsonl"
        )


def proxy_check(config: Config) -> ProxyCheck:
    """Write `proxy_check.jsonl`, `.csv` and `.html` into the run folder."""
    folder, count = Path(config["run"]), config["networks"]
    seeds = range(config["seeds"])
    seed: int = config["seed"]
    space, nodes = load_space(config["space"], "space"), _proxies(config)
    proxies: dict[str, Evaluator] = {
        name: make(node, f"proxies.{name}", Evaluator) for name, node in nodes.items()
    }
    # As in a search, the networks that are priced are of the data's classes.
    classes = next(filter(None, map(class_names, proxies.values())), ())
    space = space.of_classes(len(classes)) if classes else space
    archs = spread_sample(space, count, seed)
    reward, node = _reward(config), config.get("truth")
    known: Evaluator | None = None if node is None else make(node, "truth", Evaluator)
    workers = {
        name: executor(config, evaluator, "workers", config["workers"])
        for name, evaluator in proxies.items()
    }
    log = TrainingLog(folder / PROXY_CHECK)
    made_with = {name: config[name] for name in ("networks", "seed")}
    made_with["space"] = space_identity(space, config["space"])
    held = RunFolder(folder)
    with held.stage(logged("proxy-check", made_with, log.path, "proxy_check.csv")):
        identities = {name: identity_of(proxies[name], node) for name, node in nodes.items()}
        _keep_settings(held, log, identities)
        for name, evaluator in proxies.items():
            prepare_in(held, evaluator, identities[name])
        if known is not None:
            prepare_in(held, known, identity_of(known, node))
        say_data(*proxies.values(), *filter(None, [known]))
        truth = None if known is None else _true_accuracies(known, archs)
        # In the order of cost, a check that is cut short would have seen no dear network.
        networks = [
            LabelledArch(arch, {}) for arch in random.Random(seed).sample(archs, len(archs))
        ]
        each_once = FlatGrid(len(networks), tuple(seeds))
        trainings = {name: Trainings.on_record(networks, log, name) for name in proxies}
        told = _Told(sum(len(each_once.pending(kept.results)) for kept in trainings.values()))
        for name, evaluator in proxies.items():
            train(trainings[name], each_once, evaluator, workers[name], told)
        trained = [each for each in log.read() if each.evaluator in proxies and each.seed in seeds]
        reference = dearest(trained) if truth is None else None
        true = accuracies(trained, dearest(trained)) if truth is None else truth
        found = Check(
            archs=archs,
            space=space.name,
            proxied={name: accuracies(trained, name) for name in proxies},
            truth=true,
            reference=reference,
            about={name: _about(evaluator, len(seeds)) for name, evaluator in proxies.items()},
            verdicts=[verdict(name, trained, archs, true, reward) for name in proxies],
            baselines=baselines(archs, true, reward),
        )
        _write(folder / "proxy_check.csv", found)
        write_text(folder / "proxy_check.html", check_page(found))
    return ProxyCheck(
        run=folder,
        space=found.space,
        networks=len(archs),
        against=found.against,
        reference=reference,
        verdicts=tuple(found.verdicts),
        free=tuple(found.baselines),
    )


def _proxies(config: Config) -> dict[str, Any]:
    """The evaluator's configuration, changed as each proxy says."""
    given = {"default": {}} if config["proxies"] is None else config["proxies"]
    if not isinstance(given, Mapping) or not given:
        raise UserError(f"proxies: expected settings by name, got {given!r}")
    for name, changes in given.items():
        if not isinstance(changes, Mapping):
            raise UserError(f"proxies.{name}: expected settings of the evaluator, got {changes!r}")
        if changes and not isinstance(config["evaluator"], Mapping):
            kind = type(config["evaluator"]).__name__
            raise UserError(f"proxies.{name}: expected none, since the evaluator is a {kind}")
    evaluator = config["evaluator"]
    return {
        str(name): _changed(evaluator, changes) if changes else evaluator
        for name, changes in given.items()
    }


def _changed(node: Any, changes: Any) -> Any:
    if not isinstance(node, Mapping) or not isinstance(changes, Mapping) or "_target_" in changes:
        return changes
    return {**node, **{name: _changed(node.get(name), value) for name, value in changes.items()}}


def _keep_settings(folder: RunFolder, log: TrainingLog, nodes: Mapping[str, Any]) -> None:
    """Remember what each name stood for. Raises UserError where it stood for something else."""
    kept = {each.evaluator for each in log.read()}
    folder.note(
        *(
            RunStage(
                name=f"proxy {name}",
                made_with={"evaluator": node},
                recorded=functools.partial(kept.__contains__, name),
                records=str(log.path),
            )
            for name, node in nodes.items()
        )
    )


def _reward(config: Config) -> RewardOf:
    of: Reward = make(config["reward"], "reward", Reward)
    priced = price(config)
    return lambda arch, accuracy: of(accuracy, priced(arch, cost(arch)))


def _true_accuracies(evaluator: Evaluator, archs: Sequence[Arch]) -> dict[str, float]:
    """Ask for the accuracy of each network; those that the evaluator does not know are left out."""
    known = {}
    for arch in archs:
        try:
            found = measured(evaluator, arch, 0, lambda epoch, accuracy: None)
        except EvaluationFailed:
            continue
        known[arch.key()] = found.accuracy
    return known


class _Told:
    """Tells the terminal of each training."""

    def __init__(self, total: int) -> None:
        self._total, self._done = total, 0
        self._line, self._pace = ProgressLine("proxy-check"), Pace()

    def __call__(self, trained: TrainingRecord) -> None:
        self._done += 1
        said = trained.reason if trained.accuracy is None else f"{trained.accuracy:.4f}"
        left = self._pace.step(self._total - self._done)
        self._line(self._done, self._total, f"{trained.evaluator} {said}", left)


def _about(evaluator: Evaluator, seeds: int) -> str:
    """What a proxy's accuracies are of: data set, pixels, epochs."""
    words = proxy_words(description(evaluator), [seeds])
    return words or "an evaluator that does not say how its accuracies come about"


def _shown(found: ProxyCheck) -> str:
    curves = [
        f"τ by epoch, {v.proxy}: {', '.join(f'{tau:.2f}' for tau in v.by_epoch)}"
        for v in found.verdicts
        if v.by_epoch and v.proxy != found.reference
    ]
    rows = cells(found.verdicts, found.free, found.reference)
    return "\n".join([table(HEADER, rows), "", *curves]).rstrip()


def _write(path: Path, found: Check) -> None:
    taus = ("tau", "over_macs", "with_macs", "reward_tau", "calibrated_tau")
    ends = [tau + end for tau in taus for end in ("", "_low", "_high")]
    columns = ("proxy", "networks", "failed", "seconds", *ends, "spread")
    lines: list[tuple[object, ...]] = []
    for v in found.verdicts:
        of = (v.tau, v.over_macs, v.with_macs, v.reward, v.calibrated)
        numbers: list[float | str] = [number for tau in of for number in _numbers(tau)]
        # The reference has no τ: it would be that with itself.
        said = [*numbers, v.spread] if v.proxy != found.reference else [""] * (len(numbers) + 1)
        lines.append((v.proxy, v.networks, v.failed, v.seconds, *said))
    for b in found.baselines:
        of_both = (*_numbers(b.tau), *[""] * 6, *_numbers(b.reward), *[""] * 4)
        lines.append((b.name, "", "", 0, *of_both))
    write_rows(path, columns, [dict(zip(columns, line, strict=True)) for line in lines])


def _numbers(tau: Interval | None) -> tuple[float | str, ...]:
    return ("", "", "") if tau is None else (tau.value, tau.low, tau.high)
