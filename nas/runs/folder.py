"""A run's folder: one configuration, one writer."""

import fcntl
import os
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from search_spaces.errors import UserError
from search_spaces.parsing import load_yaml


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Where a search, its sweep and its family live side by side.

    `config.yaml` holds, for each of the stages, what its records were made with.
    """

    path: Path

    @property
    def config(self) -> Path:
        return self.path / "config.yaml"

    @property
    def _lock_file(self) -> Path:
        return self.path / ".lock"

    @contextmanager
    def stage(self, name: str, made_with: Mapping[str, Any]) -> Iterator[None]:
        """Hold the folder while a stage writes to it.

        Raises UserError, with nothing written, where the stage's records there were made with
        another configuration, or where another process holds the folder.
        """
        known = self._known()
        if name in known:
            self._check(name, known[name], made_with)
        before = set(self.path.iterdir()) if self.path.exists() else set()
        made = self._to_be_made()
        self.path.mkdir(parents=True, exist_ok=True)
        with self._lock():
            if name not in known:
                self._write({**known, name: dict(made_with)})
            try:
                yield
            except UserError:
                if set(self.path.iterdir()) <= {*before, self.config, self._lock_file}:
                    self._forget(known, made)
                raise

    def _to_be_made(self) -> Path | None:
        """The outermost folder that does not exist yet."""
        missing = [path for path in (self.path, *self.path.parents) if not path.exists()]
        return missing[-1] if missing else None

    def _forget(self, known: Mapping[str, Any], made: Path | None) -> None:
        """Leave nothing behind of a mistake: not even the folders that were made for it."""
        if made is not None:
            shutil.rmtree(made)
        elif known:
            self._write(known)
        else:
            self.config.unlink()

    def _known(self) -> dict[str, Any]:
        if not self.config.exists():
            return {}
        known = load_yaml(self.config.read_text(encoding="utf-8"), str(self.config))
        return dict(known) if isinstance(known, Mapping) else {}

    def _write(self, config: Mapping[str, Any]) -> None:
        # Never seen half-written.
        draft = self.config.with_suffix(".yaml.part")
        draft.write_text(yaml.safe_dump(dict(config), sort_keys=False), encoding="utf-8")
        draft.replace(self.config)

    def _check(self, name: str, before: Any, now: Mapping[str, Any]) -> None:
        for path, old, new in _differences(before, now):
            raise UserError(
                f"{self.path} holds a {name} made with {path}={old}, not {new}: "
                f"give another folder with run=…, or the same configuration"
            )

    @contextmanager
    def _lock(self) -> Iterator[None]:
        # The system drops the lock of a process that dies, so none is ever stale.
        with self._lock_file.open("a+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                raise UserError(f"{self.path} is in use by {file.read().strip()}") from None
            file.truncate(0)
            file.write(f"process {os.getpid()} on {socket.gethostname()}")
            file.flush()
            yield


def _differences(before: Any, now: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for name in sorted({*before, *now}):
            inner = f"{path}.{name}".lstrip(".")
            yield from _differences(before.get(name), now.get(name), inner)
    elif before != now:
        yield path, before, now
