"""A search in its run folder: what it is made of, and the files that come of it."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import optuna

from nas.data.names import counted
from nas.evaluators.asked import check, class_names, description, exact, stand_alone
from nas.evaluators.base import Evaluator
from nas.evaluators.identity import identity_of, spelt
from nas.executors.base import Executor
from nas.runs.folder import RunFolder, RunStage
from nas.runs.generated import write_folder
from nas.runs.records import Confirmed, Record, Standing
from nas.runs.storage import storage
from nas.runs.study import StudyStore
from nas.runs.trials_csv import count_rows, read_csv, write_csv
from nas.samplers.base import SamplerFactory
from nas.searches.budget import search_budget
from nas.searches.loop import Search, SearchSettings, SearchStopped
from nas.searches.pricing import TableLatency
from nas.searches.rewards import Front, Reward
from nas.searches.standing import search_result
from nas.searches.time_budget import Timing
from nas.searches.warm_start import read_warm_start
from nas.trainings.failures import Failures
from nas.verbs.config import Config, make
from nas.verbs.confirmation import ConfirmationPlan
from nas.verbs.evaluation import started
from nas.verbs.executor import executor
from nas.verbs.price import price
from nas.verbs.search_report import SearchReport, accuracy_of
from nas.verbs.time_plan import say_plan, search_plan
from search_spaces.arch import name_after
from search_spaces.errors import UserError
from search_spaces.files import not_a_link, write_text
from search_spaces.parsing import from_mapping
from search_spaces.space import load_space, space_identity
from search_spaces.yaml_io import arch_to_yaml, read_about


def validated_on(run: Path) -> int | None:
    """How many images the accuracies of a run's search are shares of, where they are of images."""
    if not (run / "baseline.yaml").is_file():
        return None
    about = read_about(run / "baseline.yaml").get("evaluator")
    images = about.get("validation images") if isinstance(about, Mapping) else None
    return images if isinstance(images, int) else None


def search(config: Config, run: Path) -> Standing:
    """Records, `baseline.yaml`, `front/` and `trials.csv` in the run folder."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folder = RunFolder(run)
    plan = Plan.read(config, folder)
    plan.search.check()
    store = plan.search.store
    table = run / "trials.csv"
    restored = read_csv(table, plan.search.space) if config["from_csv"] else []

    def recorded() -> bool:
        if not restored:
            _check_complete(table, store)
        return store.recorded(plan.made_with) or bool(restored)

    not_a_link(run / "front")  # noticed before anything is evaluated
    stage = RunStage(
        name="search",
        made_with=plan.made_with,
        recorded=recorded,
        records=str(store.storage),
        exports=("baseline.yaml",),
        asked=plan.search.settings.asked,
    )
    confirming = [] if plan.confirmation is None else [plan.confirmation.stage]
    with folder.stage(stage, *confirming), store.held(plan.made_with):
        if config["study"] and not store.trials():
            print(f"nas-search: new study {store.name!r} in {store.storage}", file=sys.stderr)
        if restored:
            plan.search.restore(restored)
        return plan.carry_out(folder)


def _check_complete(table: Path, store: StudyStore) -> None:
    """Raises UserError where the table, which is to be written anew, is all that there is left."""
    left, kept = count_rows(table), len(store.trials())
    if left > kept:
        raise UserError(
            f"{table} holds {left} trials, but {store.storage} only {kept}: put it back, restore "
            f"it from the table with --from-csv, or give another folder with run=…"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A search as the configuration asks for it, checked, with nothing started."""

    search: Search
    evaluator: Evaluator
    executor: Callable[[], Executor]
    made_with: Mapping[str, Any]
    """What its records depend on: a run folder holds records of one such configuration."""
    confirmation: ConfirmationPlan | None
    """What is to be trained alone, or was; None for nothing."""
    config: Config
    classes: tuple[str, ...] = ()
    """Names of the data's classes, where there are data."""

    @classmethod
    def read(cls, config: Config, folder: RunFolder) -> "Plan":
        """Raises UserError for whatever of it makes no sense."""
        apart = ("workers", "start_from")
        options = {name: value for name, value in config["search"].items() if name not in apart}
        settings = from_mapping(SearchSettings, options, "search")
        evaluator: Evaluator = make(config["evaluator"], "evaluator", Evaluator)
        classes = class_names(evaluator)
        space = load_space(config["space"], "space")
        num_classes = config["num_classes"]
        if num_classes is not None:
            space = space.of_classes(num_classes)
        elif classes:
            space = space.of_classes(len(classes))
        latency = TableLatency(config["latency_table"]) if settings.latency_max else None
        reward: Reward = make(config["reward"], "reward", Reward)
        front, timing = isinstance(reward, Front), Timing()
        search = Search(
            space=space,
            sampler=make(config["sampler"], "sampler", SamplerFactory),
            reward=reward,
            settings=settings,
            store=StudyStore(
                storage=storage(config["storage"], folder.path),
                name=config["study"] or folder.study,
                directions=("maximize", "minimize") if front else ("maximize",),
            ),
            progress=SearchReport(settings, timing, _images(evaluator)),
            timing=timing,
            cost_metric=price(config),
            latency=latency,
            warm=read_warm_start(config["search"]["start_from"], space),
            evaluable=partial(check, evaluator),
            exact=exact(evaluator),
            failures=Failures(folder.path),
            on_loss=lambda reason: print(f"nas-search: {reason}", file=sys.stderr),
        )
        return cls(
            search=search,
            evaluator=evaluator,
            executor=executor(config, evaluator, "search.workers", config["search"]["workers"]),
            made_with=_made_with(config, search, evaluator),
            confirmation=ConfirmationPlan.read(config, search, evaluator, folder),
            config=config,
            classes=classes,
        )

    def carry_out(self, folder: RunFolder) -> Standing:
        """Run the search in a run folder that is held, and write what came of it."""
        run, identity = folder.path, self.made_with["evaluator"]
        self.search.check_records()
        prepares_long = stand_alone(self.evaluator) is not None
        if prepares_long:
            self._say_plan(run)
            self._say_budget()

        @contextmanager
        def begun() -> Iterator[Executor]:
            with started(self.executor, folder, self.evaluator, identity) as workers:
                # What is wrong with the data is told before what would be done with them.
                if not prepares_long:
                    self._say_plan(run)
                yield workers

        try:
            self.search.run(begun)
            if self.confirmation is not None:
                self.confirmation.run(folder)
        except SearchStopped as error:
            raise UserError(str(error)) from None
        finally:
            records = self.search.store.records()
            alone = self.confirmation.found(records) if self.confirmation else ({}, {})
            found = search_result(records, self.search.recommended(records), *alone)
            if records:
                about: dict[str, Any] = {"evaluator": dict(self.made_with["about"])}
                if alone[0] and self.confirmation is not None:
                    about["confirmed_by"] = dict(self.confirmation.made_with["about"])
                if len(self.classes) == self.search.space.base.num_classes:
                    about["classes"] = list(self.classes)
                write_result(run, records, found, about)
        budget = self.search.settings.budget
        if budget is not None and not records:
            raise UserError(f"search.budget: no trial fits into {budget}; expected a longer time")
        if found is None:
            raise UserError(f"no trial was finished: {run / 'trials.csv'} has the reasons")
        return found

    def _say_plan(self, run: Path) -> None:
        say_plan(search_plan(self.search, self.evaluator, self.config, run))

    def _say_budget(self) -> None:
        """Say what is to come of an evaluator that is prepared for long, and of trainings alone."""
        confirmation = self.confirmation.confirmation if self.confirmation else None
        budget = search_budget(self.search, self.evaluator, confirmation)
        if budget is not None:
            print(f"budget: {budget}", file=sys.stderr, flush=True)


def write_result(
    run: Path,
    records: list[Record],
    found: Standing | None,
    about: Mapping[str, Any],
) -> None:
    """`baseline.yaml`, `front/` and `trials.csv`, anew from the records.

    `about` is what the networks' files say of what they were found with.
    """
    front: dict[str, str] = {}
    files: dict[int, str] = {}
    if found is not None:
        for record in found.front:
            text = _network(run, f"_{record.key[:6]}", record, about)
            front[record.file_name] = text
            files[record.number] = f"front/{record.file_name}"
        files[found.baseline.number] = "baseline.yaml"
        alone = {number: asdict(each) for number, each in found.confirmed.items()}
        said = {**about, "confirmed": alone} if alone else about
        text = _network(run, "", found.baseline, said)
        write_text(run / "baseline.yaml", text)
    write_folder(run, "front", front)
    write_csv(run / "trials.csv", records, found, files)


def summary(found: Standing, run: Path, images: int | None = None) -> str:
    """The baseline in a few lines, for the terminal; `images` were validated on."""
    best = found.baseline
    alone = found.confirmed.get(best.number)
    reward = best.reward if alone is None else alone.reward
    accuracy = accuracy_of(best, images) if alone is None else _expected(alone)
    lines = [
        f"baseline  {best.compact}",
        f"          reward {reward:.4f}, proxy accuracy {accuracy}, "
        f"{best.macs:,} MACs, {best.params:,} params (trial {best.number})",
    ]
    if alone is not None:
        lines.append(
            f"          confirmed: {_measured(alone)} when trained alone, "
            f"{best.accuracy:.4f} in the search"
        )
    elif found.luckiest is not best:
        lines.append(
            f"          the model's choice; trial {found.luckiest.number} measured a reward of "
            f"{found.luckiest.reward:.4f}, and is taken to have been lucky"
        )
    if best.note:
        lines.append(f"          {best.note}")
    lines.append(f"front     {counted(len(found.front), 'network')}")
    lines += _confirmations(found)
    if found.ties:
        numbers = ", ".join(str(record.number) for record in found.ties)
        which = "trial" if len(found.ties) == 1 else "trials"
        lines.append(f"ties      within the noise of the baseline: {which} {numbers}")
    return "\n".join([*lines, f"written   {run / 'baseline.yaml'}, front/, trials.csv"])


def _confirmations(found: Standing) -> list[str]:
    """What was trained alone, and what could not be."""
    if not found.confirmed and not found.unconfirmed:
        return []
    lines = [f"confirmed {counted(len(found.confirmed), 'network')}, each trained alone"]
    for number, why in sorted(found.unconfirmed.items()):
        lines.append(f"          not trial {number}: {why}")
    return lines


def _measured(alone: Confirmed) -> str:
    return f"{alone.accuracy:.4f}" + ("" if alone.stderr is None else f" ± {alone.stderr:.4f}")


def _expected(alone: Confirmed) -> str:
    """Spell the accuracy that is expected of a network that was trained alone, with its error."""
    if alone.expected is None or alone.expected_stderr is None:
        return _measured(alone)
    return f"{alone.expected:.4f} ± {alone.expected_stderr:.4f}"


def _images(evaluator: Evaluator) -> int | None:
    images = description(evaluator).get("validation images")
    return images if isinstance(images, int) else None


def _network(run: Path, suffix: str, record: Record, found_with: Mapping[str, Any]) -> str:
    about = {
        "trial": record.number,
        "reward": record.reward,
        "proxy_accuracy": record.accuracy,
        "proxy_accuracy_stderr": record.accuracy_stderr,
        "seeds": record.seeds,
        "macs": record.macs,
        "params": record.params,
        "compact": record.compact,
        "choices": dict(record.choices),
        **found_with,
    }
    return arch_to_yaml(record.arch.replace(name=name_after(run.resolve().name, suffix)), about)


def _made_with(config: Config, search: Search, evaluator: Evaluator) -> dict[str, Any]:
    names = ("seeds", "seed", "macs_max", "params_max", "latency_max")
    return {
        **{name: spelt(config[name]) for name in ("sampler", "reward")},
        "space": space_identity(search.space, config["space"]),
        "evaluator": identity_of(evaluator, config["evaluator"]),
        "cost": dict(search.cost_metric.describe()),
        "latency": dict(search.latency.describe()) if search.latency else None,
        "search": {name: getattr(search.settings, name) for name in names}
        | {"start_from": search.warm.digest()},
        "about": description(evaluator),
    }
