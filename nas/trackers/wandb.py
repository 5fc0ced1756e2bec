"""Weights & Biases: one run for a run folder, the names of whose values begin with the series'."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from nas.defaults.conf import default
from nas.trackers.base import Point, Series, Session, TrackedRun
from nas.trackers.packages import needed


@dataclass(frozen=True, slots=True)
class Wandb:
    """Tells wandb.ai or a server of one's own; offline, it writes files for `wandb sync`."""

    project: str = default("tracker/wandb", "project")
    entity: str | None = default("tracker/wandb", "entity")
    mode: Literal["offline", "online"] = default("tracker/wandb", "mode")

    def check(self) -> None:
        """The account is looked for when the first record is told."""
        needed("wandb", "wandb", "'nas-search[wandb]'")

    def open(self, run: TrackedRun) -> Session:
        import wandb

        quiet = wandb.Settings(
            silent=True,
            console="off",
            save_code=False,
            disable_git=True,
            x_disable_stats=True,
        )
        made = wandb.init(
            project=self.project,
            entity=self.entity,
            name=run.name,
            # The same run folder is the same run, after a kill too.
            id=hashlib.sha256(run.identity.encode()).hexdigest()[:16],
            resume="allow",
            dir=str(run.folder.resolve()),
            mode=self.mode,
            settings=quiet,
        )
        return _Run(made)


@dataclass(slots=True)
class _Run:
    run: Any
    """A folder of an offline run is whole by itself: in it, all is told from the first step."""
    _kept: dict[Path, int] = field(default_factory=dict)

    def begin(self, series: Series) -> int:
        self.run.define_metric(f"{series.name}/*", step_metric=f"{series.name}/step")
        settings = {f"{series.name}/{name}": value for name, value in series.settings.items()}
        self.run.config.update(settings, allow_val_change=True)
        return int(self.run.summary.get(f"{series.name}/step", -1))

    def tell(self, series: Series, points: Sequence[Point]) -> None:
        for point in points:
            values = {f"{series.name}/{name}": value for name, value in point.values.items()}
            self.run.log({**values, f"{series.name}/step": point.step})

    def end(self, series: Series) -> None:
        import wandb

        for name, value in series.notes.items():
            self.run.summary[f"{series.name}/{name}"] = value
        new = {path: path.stat().st_mtime_ns for path in series.files}
        if any(self._kept.get(path) != changed for path, changed in new.items()):
            kept = wandb.Artifact(f"{self.run.id}-{series.name.replace('/', '-')}", "run")
            for path in new:
                kept.add_file(str(path))
            self.run.log_artifact(kept)
            self._kept |= new

    def close(self) -> None:
        self.run.finish()
