"""What recipe, architecture and scaling are each worth."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas.runs.folder import RunFolder, RunStage, logged
from nas.trainings.log import ABLATION, PARTS, SWEEP, TrainingLog
from nas.trainings.record import TrainingRecord
from nas.verbs.classes import of_data
from nas.verbs.columns import table
from nas.verbs.config import Config
from nas.verbs.evaluation import (
    evaluator_of,
    measured_with,
    prepare_in,
    say_data,
    scaled_evaluator,
)
from nas.verbs.executor import executor
from nas.verbs.progress import Pace, ProgressLine, clock
from nas.verbs.same_data import check_same_data
from nas.verbs.scale import check_rounding, is_number, known_constants
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.yaml_io import load_arch

if TYPE_CHECKING:
    from scaling_search.grow.parts import Arm
    from scaling_search.parts import PartsPlan, PartsResult

STAGE = "parts"
"""The name of the stage in config.yaml."""
_PLAIN_STAGE = "plain recipe"


_FAR = 0.05
"""The fraction of the MACs asked for by which they may be missed without a word."""


@dataclass(frozen=True, slots=True)
class TakenApart:
    """What recipe, architecture and scaling are each worth, by trainings on record in a folder."""

    run: Path
    result: "PartsResult"

    def __str__(self) -> str:
        effects = effects_table(self.result) if self.result.effects else ""
        written = f"written to {self.run}: {STAGE}.csv, effects.csv, {PARTS}"
        lines = [arms_table(self.result), *([f"\n{effects}"] if effects else [""])]
        return "\n".join([*lines, f"\n{said(self.result)}\n\n{written}"])


def take_apart(baseline: Arch, config: Config, run: Path) -> TakenApart:
    """Write `parts.csv` and `effects.csv` into the run folder."""
    found = of_data(baseline, scaled_evaluator(config), config["num_classes"])
    arms = chosen_arms(found.network, config, run)
    settings = _settings(config, sorted({arm.evaluator for arm in arms}))
    return TakenApart(run, train(arms, settings, config, run))


def chosen_arms(baseline: Arch, config: Config, run: Path) -> "tuple[Arm, ...]":
    """The combinations that the configuration asks for. Raises UserError for what there is not."""
    from scaling_search.grow.parts import PlainVersions, check_parts, make_arms

    parts = check_parts(config["parts"])
    check_rounding(config["depth_rounding"])
    if config["ratios"] is not None:
        raise UserError("ratios: parts are compared at one cost; expected ratio=… in its place")
    if not is_number(config["ratio"]):
        raise UserError(f"ratio: expected a number, got {config['ratio']!r}")
    plain = PlainVersions(
        baseline=load_arch(str(config["plain_baseline"])), scaling=config["plain_scaling"]
    )
    constants = known_constants(config, run)
    return make_arms(baseline, parts, plain, config["ratio"], constants, config["depth_rounding"])


def train(
    arms: "tuple[Arm, ...]", settings: Mapping[str, Config], config: Config, run: Path
) -> "PartsResult":
    """Train the arms, each with the evaluator of its recipe; `parts.jsonl` in the run folder."""
    from nas.trainings.engine import Trainer
    from scaling_search.grow.parts import FULL, PLAIN
    from scaling_search.parts import ARMS_TABLE, EFFECTS_TABLE, PartsPlan, train_parts

    networks = tuple({arm.network.arch.key(): arm.network.arch for arm in arms}.values())
    evaluators = {name: evaluator_of(each, networks) for name, each in settings.items()}
    trainers = {
        name: Trainer(each, executor(config, each, "workers", config["workers"]))
        for name, each in evaluators.items()
    }
    made_with = {name: measured_with(evaluators[name], settings[name]) for name in evaluators}
    for each in made_with.values():
        check_same_data(run, each["about"])
    if PLAIN in made_with and made_with[PLAIN]["evaluator"] == made_with[FULL]["evaluator"]:
        raise UserError("parts: recipe and plain_recipe are the same; expected another recipe=…")
    folder, log = RunFolder(run), run / PARTS
    asked = {
        "parts": list(arms[0].parts),
        "seeds": config["seeds"],
        "arms": [_asked(arm) for arm in arms],
    }
    stages = [logged(STAGE, made_with[FULL], log, ARMS_TABLE, EFFECTS_TABLE, asked=asked)]
    if PLAIN in made_with:
        recorded = partial(_has_records, log, PLAIN)
        stages.append(RunStage(_PLAIN_STAGE, made_with[PLAIN], recorded, str(log)))
    with folder.stage(*stages):
        plan = PartsPlan.of(arms, run, seeds=config["seeds"], seed=config["seed"])
        for name, evaluator in evaluators.items():
            prepare_in(folder, evaluator, made_with[name]["evaluator"])
        say_data(*evaluators.values())
        _say_plan(plan, _as_slow(folder, made_with[FULL]["evaluator"]))
        return train_parts(plan, trainers, run, _Told(plan))


def arms_table(result: "PartsResult") -> str:
    """A row an arm: which of its parts are plain, its network, its cost, and its accuracy."""
    rows = []
    for each in result.arms:
        error = "" if each.stderr is None else f" ± {each.stderr:.4f}"
        accuracy = each.reason if each.accuracy is None else f"{each.accuracy:.4f}{error}"
        network = each.arm.network
        macs, off = f"{network.cost.macs:,}", f"{each.arm.difference:+.2%}"
        rows.append((each.arm.name, accuracy, network.arch.name, macs, off))
    return table(("arm", "proxy accuracy", "network", "MACs", "off"), rows)


def effects_table(result: "PartsResult") -> str:
    """A row an effect, in points, with its interval."""
    found = result.effects
    if found is None:
        return ""
    alone = {effect.factors: effect.size for effect in found.exchanged}
    rows = [
        (
            effect.name,
            f"{effect.size.times(100):+.2f}",
            f"{alone[effect.factors].times(100):+.2f}" if effect.factors in alone else "",
        )
        for effect in (*found.main, *found.interactions)
    ]
    rows.append(("all, full less plain", f"{found.total.times(100):+.2f}", ""))
    return table(("points, with 95 % intervals", "on average", "all others full"), rows)


def said(result: "PartsResult") -> str:
    """What came of it, in a sentence."""
    from nas.statistics.factorial import verdict

    failed = [each.arm.name for each in result.arms if each.accuracy is None]
    if result.effects is None:
        return f"No effects can be told: {'; '.join(failed)} failed with every seed."
    sentences = [verdict(result.effects)]
    some = [each.arm.name for each in result.arms if each.reason]
    if some:
        sentences.append(f"Without the trainings that failed, of {'; '.join(some)}.")
    furthest = max((each.arm.difference for each in result.arms), key=abs)
    if abs(furthest) > _FAR:
        sentences.append(f"MACs are not all equal: rounding misses them by up to {furthest:+.1%}.")
    return " ".join(sentences)


def _settings(config: Config, names: list[str]) -> dict[str, Config]:
    """The configuration for each evaluator: as it is, and with the plain recipe.

    Raises UserError where the evaluator has no recipe.
    """
    from scaling_search.grow.parts import FULL, PLAIN

    settings = {FULL: config}
    if PLAIN in names:
        exchanged, found = _with_recipe(config["evaluator"], config["plain_recipe"])
        if not found:
            raise UserError(
                f"parts: recipe: {config['evaluator']['_target_']} has none to exchange; expected "
                "an evaluator that trains, such as evaluator=proxy, or parts without recipe"
            )
        settings[PLAIN] = {**config, "evaluator": exchanged}
    return settings


_REGULARISATION = ("dropout", "drop_path")
"""Settings of an evaluator that belong to how it trains: a plain recipe has them off."""


def _with_recipe(node: Any, recipe: Config) -> tuple[Any, bool]:
    """An evaluator's settings with another recipe wherever they have one, and whether they do."""
    if not isinstance(node, Mapping):
        return node, False
    inner = {name: _with_recipe(value, recipe) for name, value in node.items()}
    changed = {name: value for name, (value, _) in inner.items()}
    if isinstance(node.get("recipe"), Mapping):
        off = dict.fromkeys(node.keys() & set(_REGULARISATION), 0.0)
        return {**changed, **off, "recipe": recipe}, True
    return changed, any(found for _, found in inner.values())


def _asked(arm: "Arm") -> dict[str, Any]:
    """An arm as config.yaml has it, for those who read the log."""
    return {
        "name": arm.name,
        "plain": list(arm.plain),
        "evaluator": arm.evaluator,
        "key": arm.network.arch.key(),
    }


def _has_records(log: Path, evaluator: str) -> bool:
    return any(record.evaluator == evaluator for record in TrainingLog(log).read())


def _as_slow(folder: RunFolder, evaluator: object) -> list[TrainingRecord]:
    """The trainings of other stages in the folder that the same evaluator made."""
    # Those by name are of another evaluator than the stage's.
    logs = {"sweep": SWEEP, "ablate": ABLATION}
    alike = [name for name in logs if folder.made_with(name).get("evaluator") == evaluator]
    records = [record for name in alike for record in TrainingLog(folder.path / logs[name]).read()]
    return [record for record in records if not record.evaluator]


def _say_plan(plan: "PartsPlan", as_slow: list[TrainingRecord]) -> None:
    """Say on stderr what is going to be trained, and how long it takes as far as is known."""
    missing, seconds = len(plan.missing), plan.seconds(as_slow)
    if not missing:
        return
    done = f", {plan.total - missing} on record" if missing < plan.total else ""
    long = (
        "how long they take is known after the first"
        if seconds is None
        else f"about {clock(seconds)} for one worker, by the trainings in the folder"
    )
    arms, seeds = len(plan.arms), len(plan.seeds)
    print(
        f"{plan.total} trainings ({arms} arms × {seeds} seeds){done}; {long}",
        file=sys.stderr,
        flush=True,
    )


class _Told:
    """Tells the terminal of each training."""

    def __init__(self, plan: "PartsPlan") -> None:
        self._total = plan.total
        self._done = plan.total - len(plan.missing)
        self._line, self._pace = ProgressLine("ablate"), Pace()

    def __call__(self, trained: TrainingRecord) -> None:
        self._done += 1
        said = trained.reason if trained.accuracy is None else f"{trained.accuracy:.4f}"
        note = f"{trained.evaluator} recipe, {trained.arch.name}: {said}"
        self._line(self._done, self._total, note, self._pace.step(self._total - self._done))
