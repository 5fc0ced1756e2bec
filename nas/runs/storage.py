"""The storages of studies, SQLite files and PostgreSQL databases, and their locks."""

import contextlib
import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import sqlalchemy
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool, QueuePool

from nas.runs.locks import awaited, held
from nas.runs.passwords import without_passwords
from search_spaces.errors import UserError
from search_spaces.files import expanded, not_a_link

if TYPE_CHECKING:
    from optuna.storages import RDBStorage

_EXPECTED = "expected sqlite:///FILE or postgresql://USER@HOST/DATABASE"
_SECONDS = 60.0
"""Seconds that a writer waits for another one's transaction"""


class Storage(Protocol):
    """A place where studies are kept. `str` gives its name, without a password."""

    def exists(self) -> bool:
        """Whether it may hold something; asking does not create it."""
        ...

    def connect(self) -> "RDBStorage":
        """Optuna's storage object; it makes the tables where they are missing."""
        ...

    def lock(self, study: str) -> contextlib.AbstractContextManager[None]:
        """Inside, this process alone writes to the study; UserError where another one does."""
        ...

    def creating(self) -> contextlib.AbstractContextManager[None]:
        """Inside, this process alone makes tables or studies; others are waited for."""
        ...

    def tell(self, error: BaseException) -> str:
        """The message of an error, on one line and without a password."""
        ...

    def refuses(self, error: BaseException) -> bool:
        """Whether an error is a refusal of the system, as for a full disk."""
        ...


def storage(asked: object, run: Path) -> Storage:
    """The storage of a URL, or the run folder's own file for None.

    Raises UserError for anything but the URL of a database that can be locked.
    """
    if asked is None:
        return SqliteFile((run / "study.db").absolute(), of_run=True)
    if not isinstance(asked, str):
        raise UserError(f"storage: {_EXPECTED}, got {asked!r}")
    try:
        url = sqlalchemy.make_url(asked)
    except (ArgumentError, ValueError):
        raise UserError(f"storage: {_EXPECTED}, and not what was given") from None
    backend = url.get_backend_name()
    if backend == "sqlite" and url.database not in (None, "", ":memory:"):
        return SqliteFile(expanded(str(url.database)).absolute())
    if backend == "postgresql":
        return Postgres(url)
    what = "a database in memory, which is lost" if backend == "sqlite" else backend
    raise UserError(f"storage: {_EXPECTED}, got {what}")


@dataclass(frozen=True, slots=True)
class SqliteFile:
    """A SQLite file in a folder that exists."""

    path: Path
    of_run: bool = False
    """Whether it is the file of a run folder, which holds one study"""

    def __str__(self) -> str:
        return str(self.path)

    def exists(self) -> bool:
        """Whether the file has content.

        Raises UserError for links, pipes and journals, by which SQLite would write elsewhere or
        wait without end.
        """
        for ending in ("", "-journal", "-wal", "-shm"):
            beside = not_a_link(self.path.with_name(self.path.name + ending))
            if beside.is_dir():
                raise UserError(f"{beside}: is a folder; expected a file")
            if ending == "-journal" and _names_another(beside):
                raise UserError(f"{beside}: a journal of several databases, which no study has")
        return self.path.exists() and self.path.stat().st_size > 0

    def connect(self) -> "RDBStorage":
        from optuna.storages import RDBStorage

        with contextlib.nullcontext() if self._is_ready() else self.creating():
            # SQLAlchemy does not see the path: in its URLs the characters ?, # and % are special.
            return RDBStorage(
                "sqlite://", engine_kwargs={"creator": self._connection, "poolclass": QueuePool}
            )

    def _connection(self) -> sqlite3.Connection:
        made = sqlite3.connect(self.path, timeout=_SECONDS, check_same_thread=False)
        # Functions that a stranger's file defines must not run.
        made.execute("PRAGMA trusted_schema = OFF")
        return made

    def _is_ready(self) -> bool:
        """Whether the tables are there. Raises UserError where pages of the file are damaged."""
        if not self.exists():
            return False
        with contextlib.closing(self._connection()) as connection:
            try:
                ((said,), *_) = connection.execute("PRAGMA quick_check(1)").fetchall()
                kinds = dict(connection.execute("SELECT name, type FROM sqlite_master").fetchall())
            except sqlite3.OperationalError:
                raise  # it is locked, or may not be read: no damage
            except sqlite3.DatabaseError as error:
                said, kinds = str(error), {}
        if said != "ok":
            raise UserError(f"{self.path}: damaged: {' '.join(str(said).split())}; {_PUT_BACK}")
        # A stranger's view may compute anything, for any time.
        odd = [name for name, kind in kinds.items() if kind not in ("table", "index")]
        if odd and self.of_run:
            raise UserError(f"{self.path}: has {kinds[odd[0]]} {odd[0]!r}, which no study has")
        return "alembic_version" in kinds

    def lock(self, study: str) -> contextlib.AbstractContextManager[None]:
        digest = hashlib.sha256(study.encode()).hexdigest()[:12]
        return held(self._beside(f".{digest}.lock"), f"{self.path}: study {study!r}")

    def creating(self) -> contextlib.AbstractContextManager[None]:
        return awaited(self._beside(".lock"))

    def _beside(self, ending: str) -> Path:
        return self.path.with_name(f".{self.path.name}{ending}")

    def tell(self, error: BaseException) -> str:
        return _first_line(error)

    def refuses(self, error: BaseException) -> bool:
        code = getattr(_root(error), "sqlite_errorcode", 0) & 0xFF
        return code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL)


_PUT_BACK = "put back a copy, or move it away and restore what trials.csv has of it with --from-csv"


_JOURNAL_ENDS_WITH = bytes.fromhex("d9d505f920a163d7")


def _names_another(journal: Path) -> bool:
    """Whether a rollback journal ends with the name of a super-journal.

    When SQLite rolls such a journal back, it deletes the file of that name, wherever it lies
    (section 3 of sqlite.org/fileformat2.html).
    """
    if not journal.is_file():
        return False
    with journal.open("rb") as file:
        file.seek(max(0, journal.stat().st_size - len(_JOURNAL_ENDS_WITH)))
        return file.read() == _JOURNAL_ENDS_WITH


_TEXT: Any = {"client_encoding": "utf8"}
"""From a database without an encoding of its own, the driver would give bytes for text."""


@dataclass(frozen=True, slots=True)
class Postgres:
    """A database of a PostgreSQL server."""

    url: sqlalchemy.URL

    def __str__(self) -> str:
        return without_passwords(self.url.render_as_string(hide_password=True))

    def exists(self) -> bool:
        return True

    def connect(self) -> "RDBStorage":
        from optuna.storages import RDBStorage

        # A connection is tested before it is used, and replaced where the server has closed it.
        options = {"pool_pre_ping": True, "connect_args": _TEXT}
        with self.creating():
            return RDBStorage(self._rendered(), engine_kwargs=options)

    def _rendered(self) -> str:
        url = self.url
        if url.drivername == "postgresql":
            url = url.set(drivername="postgresql+psycopg")
        return url.render_as_string(hide_password=False)

    @contextmanager
    def lock(self, study: str) -> Iterator[None]:
        with self._session() as session:
            asked = sqlalchemy.text("SELECT pg_try_advisory_lock(:key)")
            if not session.execute(asked, {"key": _key(study)}).scalar():
                raise UserError(f"{self}: study {study!r} is in use by another search")
            yield

    @contextmanager
    def creating(self) -> Iterator[None]:
        with self._session() as session:
            session.execute(sqlalchemy.text("SELECT pg_advisory_lock(:key)"), {"key": _key("")})
            yield

    @contextmanager
    def _session(self) -> Iterator[sqlalchemy.Connection]:
        """A connection of its own, whose locks the server drops however it ends."""
        engine = sqlalchemy.create_engine(
            self._rendered(),
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            connect_args=_TEXT,
        )
        with engine.connect() as session:
            # The server notices within a minute that this machine is gone, not within two hours.
            for name, value in (("idle", 30), ("interval", 10), ("count", 3)):
                session.execute(sqlalchemy.text(f"SET tcp_keepalives_{name} = {value}"))
            try:
                yield session
            finally:
                with contextlib.suppress(sqlalchemy.exc.SQLAlchemyError):
                    session.invalidate()

    def tell(self, error: BaseException) -> str:
        if isinstance(error, ImportError):
            driver = self.url.drivername.partition("+")[2]
            if driver not in ("", "psycopg"):
                return f"driver {driver} is not installed; leave it out for psycopg"
            return "no driver for PostgreSQL: pip install 'nas-search[postgresql]'"
        text = without_passwords(_first_line(error))
        password = self.url.password
        return text.replace(str(password), "***") if password else text

    def refuses(self, error: BaseException) -> bool:
        return False


def _key(study: str) -> int:
    digest = hashlib.sha256(f"nas-search {study}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def _first_line(error: BaseException) -> str:
    # Optuna and SQLAlchemy wrap what the driver says in lines of their own.
    error = _root(error)
    lines = str(getattr(error, "strerror", None) or error).strip().splitlines()
    return " ".join(lines[0].split()) if lines else type(error).__name__


def _root(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error
