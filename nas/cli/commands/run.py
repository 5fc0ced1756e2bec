"""`nas-search run`: search, sweep, scale, train and draw, in one run folder."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nas.cli.commands.dashboard import draw
from nas.verbs import run_train
from nas.verbs.config import Config
from nas.verbs.progress import clock
from nas.verbs.scale import (
    check_family,
    constants,
    expected,
    family,
    family_report,
    gives_constants,
    write,
)
from nas.verbs.search import search, validated_on
from nas.verbs.search import summary as search_summary
from nas.verbs.sweep import check_sweep, sweep
from nas.verbs.sweep import summary as sweep_summary
from search_spaces.space import load_space
from search_spaces.yaml_io import load_arch


def main(config: Config) -> None:
    """Each stage goes on from what the run folder holds; the end is a table and a page."""
    run = Path(config["run"])
    sweeping = {**config, "executor": config["sweep_executor"]}
    _check(config, sweeping, run)
    stages = _Stages(5 if run_train.is_asked(config) else 4)
    with stages.next("search"):
        found = search(config, run)
    file = str(run / "baseline.yaml")
    baseline = load_arch(file)
    with stages.next("sweep"):
        result = sweep(baseline, sweeping, run)
    with stages.next("family"):
        members = family(baseline, {**config, "baseline": file}, run)
        forecast = expected(members, run)
        write(members, forecast, config, run, file)
    trained = None
    if run_train.is_asked(config):
        with stages.next("training"):
            trained = run_train.report(run_train.train_members(config, run), members, forecast, run)
    with stages.next("dashboard"):
        page = draw(run)
    print(f"\n{search_summary(found, run, validated_on(run))}\n\n{sweep_summary(result, run)}\n")
    report = family_report(members, forecast, run, file, config["depth_rounding"])
    print(report, end="\n\n")
    if trained is not None:
        print(trained, end="\n\n")
    print(f"dashboard: {page.resolve()}")


def _check(config: Config, sweeping: Config, run: Path) -> None:
    """Raises UserError for a mistake in the later stages' settings, before hours of the first."""
    space = load_space(config["space"], "space")
    network = space.decode({choice.name: choice.options[0] for choice in space.choices})
    check_sweep(network, sweeping)
    check_family(config)
    if gives_constants(config):
        constants(config, run).check_growth()
    run_train.check(config)


@dataclass(slots=True)
class _Stages:
    """Tells the terminal which stage a run is at, and how long each took."""

    count: int
    begun: int = 0

    @contextmanager
    def next(self, name: str) -> Iterator[None]:
        """Around the stage of that name."""
        self.begun += 1
        place = f"{self.begun}/{self.count} {name}"
        print(f"── {place}", flush=True)
        started = time.monotonic()
        yield
        print(f"── {place}: {clock(time.monotonic() - started)}", flush=True)
