"""MLflow: a run for each series, those of trials inside the search's."""

import logging
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nas.defaults.conf import default
from nas.runs.passwords import without_passwords
from nas.trackers.base import Fact, Point, Series, Session, TrackedRun
from nas.trackers.packages import needed
from search_spaces.errors import UserError

_RUN, _SERIES, _STEP = "nas_search.run", "nas_search.series", "nas_search.step"
_SQLITE = "sqlite:///"
_OVER = "FINISHED"
_MOST_BATCH = 1000
"""Metrics of one request, as MLflow's servers take them."""
_MOST_PARAMS = 100
_MOST_TEXT = 500
"""Characters of a parameter that every version of a server takes."""
_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # A server that is down is noticed within seconds, not minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}


@dataclass(frozen=True, slots=True)
class MLflow:
    """Tells an MLflow server, or a database that its client can open itself."""

    uri: str | None = default("tracker/mlflow", "uri")
    """The tracking server or database; a SQLite file in the run folder for None."""
    experiment: str = default("tracker/mlflow", "experiment")

    def check(self) -> None:
        """Raises UserError without the light client, and for a folder, which it no longer takes."""
        needed("mlflow", "mlflow", "'nas-search[mlflow]'")
        scheme = (self.uri or _SQLITE).partition(":")[0]
        if scheme == "file" or scheme == self.uri:
            raise UserError(
                "tracker.uri: MLflow keeps runs in folders no more: expected http://SERVER:5000 or "
                f"sqlite:///FILE, got {without_passwords(str(self.uri))}"
            )

    def open(self, run: TrackedRun) -> Session:
        for name, value in _QUIET.items():
            os.environ.setdefault(name, value)
        from mlflow.tracking import MlflowClient

        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.ERROR)
        uri = self.uri or f"{_SQLITE}{run.folder.resolve() / 'mlflow.db'}"
        client = MlflowClient(tracking_uri=uri)
        found = client.get_experiment_by_name(self.experiment)
        if found is None:
            experiment = client.create_experiment(self.experiment, artifact_location=_files(uri))
        else:
            experiment = found.experiment_id
        return _Runs(client, experiment, run, _known(client, experiment, run))


def _files(uri: str) -> str | None:
    """Where files go: beside a SQLite file, where MLflow's own choice is the working folder."""
    if not uri.startswith(_SQLITE):
        return None
    return (Path(uri.removeprefix(_SQLITE)).resolve().parent / "mlflow_files").as_uri()


@dataclass(frozen=True, slots=True)
class _Known:
    """What MLflow has of a series."""

    run: str
    step: int
    """The last that it was told."""
    over: bool


def _known(client: Any, experiment: str, run: TrackedRun) -> dict[str, _Known]:
    asked, token = f"tags.`{_RUN}` = '{run.identity}'", None
    known: dict[str, _Known] = {}
    while True:
        page = client.search_runs([experiment], asked, max_results=1000, page_token=token)
        for found in page:
            tags = found.data.tags
            over = found.info.status == _OVER and "/" in tags[_SERIES]
            step = int(tags.get(_STEP, -1))
            known[tags[_SERIES]] = _Known(found.info.run_id, step, over)
        token = page.token
        if not token:
            return known


@dataclass(slots=True)
class _Runs:
    client: Any
    experiment: str
    run: TrackedRun
    known: dict[str, _Known]
    _begun: set[str] = field(default_factory=set)
    """Series of this call that are not over."""
    _kept: dict[Path, int] = field(default_factory=dict)
    """When each file that was sent was last changed."""

    def begin(self, series: Series) -> int:
        self._begun.add(series.name)
        if series.name in self.known:
            return self.known[series.name].step
        from mlflow.entities import Param

        whole = series.name.rpartition("/")[0]
        tags = {_RUN: self.run.identity, _SERIES: series.name}
        if whole in self.known:
            tags["mlflow.parentRunId"] = self.known[whole].run
        made = self.client.create_run(
            self.experiment, tags=tags, run_name=f"{self.run.name} {series.name}"
        )
        params = [Param(name, str(v)[:_MOST_TEXT]) for name, v in series.settings.items()]
        for first in range(0, len(params), _MOST_PARAMS):
            self.client.log_batch(made.info.run_id, params=params[first : first + _MOST_PARAMS])
        self.known[series.name] = _Known(made.info.run_id, -1, False)
        return -1

    def tell(self, series: Series, points: Sequence[Point]) -> None:
        from mlflow.entities import Metric, RunTag

        now, run = int(1000 * time.time()), self._id(series)
        waiting: list[Any] = []
        for place, point in enumerate(points):
            waiting += [Metric(n, float(v), now, point.step) for n, v in point.values.items()]
            last = place + 1 == len(points)
            if last or len(waiting) + len(points[place + 1].values) > _MOST_BATCH:
                # The step is noted with the values: after a kill, none is told again.
                told = [RunTag(_STEP, str(point.step))]
                self.client.log_batch(run, metrics=waiting, tags=told)
                waiting = []

    def end(self, series: Series) -> None:
        run = self._id(series)
        if self.known[series.name].over:
            self._begun.discard(series.name)
            return
        self._note(run, series.notes)
        for path in series.files:
            changed = path.stat().st_mtime_ns
            if self._kept.get(path) != changed:
                self.client.log_artifact(run, str(path))
                self._kept[path] = changed
        if series.over:
            self.client.set_terminated(run, _OVER)
            self._begun.discard(series.name)

    def close(self) -> None:
        """A search or a sweep has ended with the call, as far as one can tell."""
        for name in self._begun:
            self.client.set_terminated(self.known[name].run, _OVER)

    def _note(self, run: str, notes: Mapping[str, Fact]) -> None:
        from mlflow.entities import RunTag

        if notes:
            self.client.log_batch(run, tags=[RunTag(n, str(v)) for n, v in notes.items()])

    def _id(self, series: Series) -> str:
        return self.known[series.name].run
