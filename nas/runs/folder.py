"""A run's folder, which has one configuration and one writer."""

import contextlib
import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from nas.runs.locks import held, holder
from search_spaces.errors import CommandFailed, UserError
from search_spaces.files import clear_drafts, expanded, kept_if_filled, read_text, write_text
from search_spaces.yaml_text import load_yaml

_STUDY = "study"
"""The key of config.yaml that holds the name of the run's study"""
ASKED = "asked"
"""The key of a stage in config.yaml that holds how much of it the last call asked for"""
_BASELINE = "baseline.yaml"
"""What a run folder calls the network that it is about"""
_OF_NETWORKS = frozenset({"family", "scaled", "ablation", "front"})
"""Folders of a run folder that hold networks"""
_BEFORE_RECORDS = frozenset({"config.yaml", ".lock", "study.db", "study.db-journal"})
"""Files that a stage may have made before its first record"""
_WORKSPACES = "evaluators"
"""The folder of what evaluators prepared: it stays, whatever becomes of a stage"""


@dataclass(frozen=True, slots=True)
class RunStage:
    """A stage of a run, such as its search, whose records a run folder holds."""

    name: str
    made_with: Mapping[str, Any]
    """What its records depend on, as plain data; `about` is for readers, and may differ"""
    recorded: Callable[[], bool]
    """Whether the folder holds records of the stage"""
    records: str
    """The place of the records, for messages"""
    exports: tuple[str, ...] = ()
    """Files that are made from the records, and are overwritten only where there are records"""
    remedy: str = ""
    """What to give another of where the records were made otherwise; else another folder"""
    asked: Mapping[str, Any] = field(default_factory=dict)
    """How much the last call asked for, such as a number of trials: readers tell by it how far the
    stage has come, and another call may ask for more"""


def logged(
    name: str,
    made_with: Mapping[str, Any],
    log: Path,
    *exports: str,
    asked: Mapping[str, Any] | None = None,
) -> RunStage:
    """A stage whose records are the lines of a log, from which it makes `exports`."""
    return RunStage(
        name=name,
        made_with=made_with,
        recorded=lambda: log.exists() and log.stat().st_size > 0,
        records=str(log),
        exports=exports,
        asked=asked or {},
    )


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The folder that holds a search, its sweep and its family side by side.

    `config.yaml` holds what the records of each stage were made with, and the name of the run's
    study. The folder may be moved, renamed or copied: nothing in it depends on its name.
    """

    path: Path
    _new_study: str = field(default_factory=lambda: uuid.uuid4().hex[:12])

    @property
    def shown(self) -> str:
        """The folder, as messages name it: in full where it is given as `.` alone."""
        return str(self.path if self.path.name else self.path.resolve())

    @property
    def config(self) -> Path:
        """The path of the file that says what the records were made with."""
        return self.path / "config.yaml"

    @property
    def study(self) -> str:
        """The name of the run's study in its storage, which stays when the folder moves."""
        known = self._known().get(_STUDY)
        return known if isinstance(known, str) else f"{self.path.resolve().name}-{self._new_study}"

    def made_with(self, stage: str) -> Mapping[str, Any]:
        """What the records of a stage were made with, by its name; empty where nothing says."""
        known = self._known().get(stage)
        return known if isinstance(known, Mapping) else {}

    @property
    def holder(self) -> str | None:
        """Who writes to the folder now: `process 4711 on host`; None for nobody."""
        return holder(self.path / ".lock")

    @contextmanager
    def stage(self, stage: RunStage, *others: RunStage) -> Iterator[None]:
        """Hold the folder while a stage writes to it; `others` are noted with it, or none is.

        Raises UserError, with nothing written, where the stage's records were made with another
        configuration or are gone, and where another process holds the folder. A UserError or a
        CommandFailed that is raised inside before the first record leaves nothing behind.
        """
        made = self._make()
        before = set(os.listdir(self.path))
        try:
            with held(self.path / ".lock", self.shown):
                clear_drafts(self.path)
                known = self._known()
                self.note(stage, *others)
                try:
                    yield
                except (UserError, CommandFailed):
                    if not stage.recorded():
                        self._forget(known, before)
                    raise
        except (UserError, CommandFailed):
            self._unmake(made)
            raise

    @contextmanager
    def workspace(self, name: str) -> Iterator[Path]:
        """Give the folder of what an evaluator prepares, inside a run folder that is held.

        What is put into it stays for later calls; an empty one goes again.
        """
        with (
            # Workers of Ray's stand in folders of their own.
            kept_if_filled(self.path.absolute(), _WORKSPACES) as workspaces,
            kept_if_filled(workspaces, name) as path,
        ):
            yield path

    def _check_ours(self, known: Mapping[str, Any]) -> None:
        """Raises UserError where config.yaml is not of a run folder, and must not be changed."""
        if known and not isinstance(known.get(_STUDY), str):
            raise UserError(f"{self.config} is not of a run folder: give another folder with run=…")

    def note(self, *stages: RunStage) -> None:
        """Write down what the records of stages are made with, in a folder that is held.

        Raises UserError as `stage` does, with none of them written down.
        """
        known = self._known()
        self._check_ours(known)
        noted = {_STUDY: self.study, **known}
        for stage in stages:
            self._check(stage, known)
            asked = {ASKED: dict(stage.asked)} if stage.asked else {}
            noted[stage.name] = {**stage.made_with, **asked}
        if noted != known:
            self._write(noted)

    def _check(self, stage: RunStage, known: Mapping[str, Any]) -> None:
        """Raises UserError where a stage's records were made otherwise, or are gone."""
        recorded = stage.recorded()
        if recorded and stage.name in known:
            check_made_with(
                self.shown, stage.name, known[stage.name], stage.made_with, stage.remedy
            )
        left = [name for name in stage.exports if (self.path / name).exists()]
        if left and not recorded:
            raise UserError(
                f"{self.path / left[0]} is there, but not the records that it was made of "
                f"({stage.records}): put them back, or give another folder with run=…"
            )

    def _make(self) -> list[Path]:
        """Make the folder, and return all folders that were made for it, innermost first."""
        missing = [path for path in (self.path, *self.path.parents) if not path.exists()]
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            blocking = next(
                path
                for path in (self.path, *self.path.parents)
                if os.path.lexists(path) and not path.is_dir()
            )
            # A device and a link to nothing block a folder as well as a file does.
            what = "a file" if blocking.is_file() else "no folder"
            raise UserError(f"run: {blocking} is {what}; expected a folder") from None
        return missing

    def _unmake(self, made: list[Path]) -> None:
        """Remove the folders that `_make` made, unless something has come into them."""
        for path in made:
            with contextlib.suppress(OSError):  # another run has put something in, or removed it
                path.rmdir()

    def _forget(self, known: Mapping[str, Any], before: set[str]) -> None:
        """Undo what a stage did that has no record yet."""
        new = set(os.listdir(self.path)) - before - {_WORKSPACES}
        if not new <= _BEFORE_RECORDS:
            return
        for name in new - {".lock"}:
            (self.path / name).unlink()
        if known:
            self._write(known)

    def _known(self) -> dict[str, Any]:
        try:
            text = read_text(self.config)
        except UserError:
            if not self.config.exists() and not self.config.is_symlink():
                return {}
            raise
        known = load_yaml(text, str(self.config))
        if known is not None and not isinstance(known, Mapping):
            raise UserError(
                f"{self.config}: expected what each stage was made with, by its name; put back the "
                f"file, or give another folder with run=…"
            )
        return dict(known or {})

    def _write(self, config: Mapping[str, Any]) -> None:
        write_text(self.config, yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True))


def run_folder_of(network: Path) -> Path | None:
    """The run folder that a network's file lies in, or is the baseline of; None for no such."""
    folder = expanded(network).absolute().parent
    candidates = [folder]
    if folder.name in _OF_NETWORKS:
        candidates.append(folder.parent)
    if folder.parent.name == "trained":
        candidates.append(folder.parent.parent)
    for each in candidates:
        if _is_run(each):
            return each if network.is_absolute() else Path(os.path.relpath(each))
    return network.parent if network.name == _BASELINE else None


def _is_run(folder: Path) -> bool:
    config = folder / "config.yaml"
    try:
        known = load_yaml(read_text(config), str(config)) if config.is_file() else None
    except (UserError, OSError):  # a file of somebody else's
        return False
    return isinstance(known, Mapping) and isinstance(known.get(_STUDY), str)


def check_made_with(
    where: str, name: str, before: Any, now: Mapping[str, Any], remedy: str = ""
) -> None:
    """Raises UserError, which names the first setting that differs, for records made otherwise."""
    for path, old, new in _differences(_decisive(before), _decisive(now)):
        if path.endswith("digest"):
            raise UserError(
                f"{where} holds a {name} made with other data than lie there now "
                f"({path}={old}, not {new}): put them back, or give another "
                f"{remedy or 'folder with run=…'}"
            )
        raise UserError(
            f"{where} holds a {name} made with {path}={old}, not {new}: "
            f"give another {remedy or 'folder with run=…'}, or the same configuration"
        )


def _decisive(made_with: Any) -> Any:
    """The settings that records depend on: all but `about`, where names of data may differ."""
    if not isinstance(made_with, Mapping):
        return made_with
    return {name: value for name, value in made_with.items() if name not in ("about", ASKED)}


def _differences(before: Any, now: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for name in sorted({*before, *now}):
            inner = f"{path}.{name}".lstrip(".")
            yield from _differences(before.get(name), now.get(name), inner)
    elif before != now:
        yield path, before, now
