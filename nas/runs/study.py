"""The study that keeps a search's records on disk."""

import contextlib
import errno
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import optuna
from optuna.trial import FrozenTrial

from nas.runs.folder import check_made_with
from nas.runs.records import Record, from_trial
from nas.runs.storage import SqliteFile, Storage
from search_spaces.errors import CommandFailed, UserError

if TYPE_CHECKING:
    from optuna.storages import RDBStorage

Directions = tuple[Literal["maximize", "minimize"], ...]

_MADE_WITH = "made_with"
"""The attribute of a study that says what its trials depend on."""


@dataclass(slots=True)
class StudyStore:
    """Records as the finished trials of an Optuna study; nothing half-done is ever in it.

    One process writes: what was read once is not read again. Raises UserError where the storage
    cannot be opened or is damaged, OSError where it refuses a trial.
    """

    storage: Storage
    name: str
    """The study's name. The only study of a run folder's own file is the run's, however named."""
    directions: Directions | None
    """What the objectives should be; None for a reader that takes them as they are."""
    _backend: "RDBStorage | None" = None
    _study: optuna.Study | None = None
    _trials: list[FrozenTrial] | None = field(default=None, repr=False)

    def trials(self) -> list[FrozenTrial]:
        """Read the trials, in the order in which they were finished; makes no study to find out."""
        if self._trials is None:
            if not self.storage.exists():
                return []
            with self._opening():
                study = self._find()
                if study is None:
                    return []
                self._trials = list(study.get_trials(deepcopy=False))
        return self._trials

    def reread(self) -> list[FrozenTrial]:
        """Read the trials again, for a reader beside the writer: only new ones are fetched."""
        self._trials = None
        return self.trials()

    def recorded(self, made_with: Mapping[str, Any]) -> bool:
        """Tell whether there are trials. Raises UserError for such as were made otherwise."""
        if not self.trials():
            return False
        study = self._find()
        if study is not None:
            self._check(study, made_with)
        return True

    def records(self) -> list[Record]:
        """Read the trials as records. Raises UserError for a trial that is damaged."""
        trials = self.trials()
        try:
            return [from_trial(trial, number) for number, trial in enumerate(trials)]
        except UserError as error:
            raise error.under(f"{self.storage}: ") from None

    @contextmanager
    def held(self, made_with: Mapping[str, Any]) -> Iterator[None]:
        """Hold the study as its only writer, whichever folders and machines others write from.

        Raises UserError where another search does, and where the study's trials were made with
        another configuration.
        """
        with contextlib.ExitStack() as stack:
            with self._opening():
                stack.enter_context(self.storage.lock(self.name))
            stack.callback(self.close)
            self._trials = None
            made = not self.trials()
            study = self._open()
            try:
                self._claim(study, made_with)
                yield
            except (UserError, CommandFailed):
                if made and not self.trials():
                    optuna.delete_study(study_name=study.study_name, storage=study._storage)
                raise

    def append(self, trial: FrozenTrial) -> None:
        """Put a finished trial on disk."""
        study, trials = self._open(), self.trials()
        try:
            study.add_trial(trial)
        except Exception as error:  # each database driver has errors of its own
            said = f"cannot be written to: {self.storage.tell(error)}"
            raise OSError(errno.EIO, said, f"storage {self.storage}") from None
        trial.number = len(trials)
        trials.append(trial)

    def close(self) -> None:
        """Let go of the database; what was read stays known."""
        if self._backend is not None:
            with contextlib.suppress(Exception):  # of a server that is gone
                self._backend.engine.dispose()
        self._backend = self._study = None

    def _claim(self, study: optuna.Study, made_with: Mapping[str, Any]) -> None:
        """Note what the trials are made with, where there are none; else compare."""
        if self.trials():
            self._check(study, made_with)
        else:
            study.set_user_attr(_MADE_WITH, json.loads(json.dumps(made_with)))

    def _check(self, study: optuna.Study, made_with: Mapping[str, Any]) -> None:
        before, now = study.user_attrs.get(_MADE_WITH), json.loads(json.dumps(made_with))
        where = f"{self.storage}: study {study.study_name!r}"
        if not isinstance(before, Mapping):
            raise UserError(f"{where} is not one of a search of this program")
        check_made_with(where, "search", before, now, "folder with run=…, or study=…")

    def _open(self) -> optuna.Study:
        with self._opening():
            study = self._find()
            if study is None:
                backend = self._connected()
                with self.storage.creating():
                    study = optuna.create_study(
                        storage=backend,
                        study_name=self.name,
                        directions=list(self.directions or ()),
                        load_if_exists=True,
                    )
                self._study = study
                self._trials = []
        return study

    def _find(self) -> optuna.Study | None:
        """The study, where it is there; raises UserError where it has other objectives."""
        if self._study is None:
            backend = self._connected()
            names = [study.study_name for study in backend.get_all_studies()]
            own = isinstance(self.storage, SqliteFile) and self.storage.of_run
            name = names[0] if own and len(names) == 1 else self.name
            if name not in names:
                return None
            self._study = optuna.load_study(study_name=name, storage=backend)
        found = tuple(direction.name.lower() for direction in self._study.directions)
        if self.directions not in (found, None):
            raise UserError(
                f"storage {self.storage}: study {self._study.study_name!r} has objectives {found}, "
                f"this search has {self.directions}"
            )
        return self._study

    def _connected(self) -> "RDBStorage":
        if self._backend is None:
            self._backend = self.storage.connect()
        return self._backend

    @contextmanager
    def _opening(self) -> Iterator[None]:
        try:
            yield
        except UserError:
            raise
        except Exception as error:  # each database driver has errors of its own
            said = self.storage.tell(error)
            if self.storage.refuses(error):
                raise OSError(errno.EIO, said, f"storage {self.storage}") from None
            raise UserError(
                f"storage {self.storage}: cannot be opened: {said}; the records so far are kept"
            ) from None


def recorded(run: Path) -> list[Record]:
    """The records in a run folder's own study; none where it has no such file."""
    store = StudyStore(SqliteFile(run / "study.db", of_run=True), "", None)
    try:
        return store.records()
    finally:
        store.close()
