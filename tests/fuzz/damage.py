"""Run folders that are damaged in every way seen or thought of, and calls that read them."""

import contextlib
import io
import os
import random
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from nas.cli import main

TOY = ["evaluator=custom", "evaluator._target_=toy.Toy"]
CALLS = {
    "search": ["search", "run=r", *TOY, "search.workers=1", "sampler=random", "search.trials=6"],
    "dashboard": ["dashboard", "r"],
    "start_from": ["search", "run=s", *TOY, "search.workers=1", "sampler=random",
                   "search.trials=1", "search.start_from=r"],
    "sweep": ["sweep", "run=r", "baseline=r/baseline.yaml", *TOY, "sweep.seeds=1", "plan=true"],
    "scale": ["scale", "run=r", "baseline=r/baseline.yaml", "coefficients=formula"],
    "from_csv": ["search", "run=r", *TOY, "search.workers=1", "sampler=random",
                 "search.trials=6", "--from-csv"],
}  # fmt: skip
TEXTS = (
    "config.yaml", "trials.csv", "baseline.yaml", "constants.yaml", "sweep.jsonl", "sweep.csv",
    "family/b1.yaml", ".front.written.json",
)  # fmt: skip
NASTY = (
    b"NaN", b"1e308", b"-1e308", b"1e400", b"null", b'"text"', b"[" * 20000, b"{}", b"[]", b"-1",
    b"61.5", b"9" * 5000, b"\xff\xfe", b"\x00", b"\x1b[2J", b"\\ud800", b"true", b"0x10", b"",
    "φ".encode(), b"*a", b"&a [*a]", b"!!python/object:os.system", b"2001-99-99", b"1,2,3", b'"',
)  # fmt: skip


@dataclass(frozen=True)
class Seen:
    """How one call on one damaged folder ended."""

    call: str
    damage: str
    code: int
    said: str
    seconds: float
    """Processor time, which other programs take nothing of."""
    traceback: str = ""

    @property
    def fault(self) -> str:
        """What the call did wrong; empty where it did well."""
        if self.traceback:
            return f"raised {self.traceback}"
        if self.code not in (0, 1, 2):
            return f"exit code {self.code}: {self.said[-200:]}"
        mistakes = [line for line in self.said.splitlines() if line.startswith("nas-search: ")]
        if self.code and (len(mistakes) != 1 or self.said.splitlines()[-1] != mistakes[0]):
            return f"not one line: {self.said[-300:]!r}"
        return "" if self.seconds < 10 else f"took {self.seconds:.0f} s"


def make_run(folder: Path) -> Path:
    """A finished run: a search, a sweep's log and its constants, a family."""
    from nas.trainings.log import TrainingLog
    from nas.trainings.record import TrainingRecord
    from scaling_search.grow.grid import make_grid
    from scaling_search.settings import SweepSettings
    from search_spaces.yaml_io import load_arch

    with contextlib.chdir(folder), contextlib.redirect_stderr(io.StringIO()):
        main(CALLS["search"])
        log = TrainingLog(Path("r/sweep.jsonl"))
        grid = make_grid(load_arch("r/baseline.yaml"), SweepSettings())
        for index, each in enumerate(grid.candidates[:8]):
            accuracy = 0.5 + index / 100
            log.append(TrainingRecord(arch=each.arch, seed=0, state="finished", accuracy=accuracy))
        Path("r/constants.yaml").write_text("alpha: 1.2\nbeta: 1.1\ngamma: 1.15\n")
        Path("r/sweep.csv").write_text(
            "candidate,alpha,beta,gamma,accuracy,realised_ratio,winner\n0,1.2,1.1,1.15,0.5,2,True\n"
        )
        main(CALLS["scale"])
    return folder / "r"


def damages(seed: int) -> Iterator[tuple[str, Callable[[Path], None]]]:
    """Endless ways to damage a run folder, each with its name."""
    rng = random.Random(seed)
    kinds = (_in_pages, _in_rows, _in_text, _in_text, _whole)
    while True:
        yield rng.choice(kinds)(rng)


def try_each(made: Path, count: int, seed: int, work: Path) -> Iterator[Seen]:
    """Damage copies of the run folder `made`, and make one of the calls on each."""
    for number, (name, damage) in zip(range(count), damages(seed), strict=False):
        call = list(CALLS)[number % len(CALLS)]
        place = work / str(number)
        place.mkdir()
        shutil.copytree(made, place / "r")
        damage(place / "r")
        yield _call(call, name, place)
        shutil.rmtree(place)


def _call(call: str, damage: str, place: Path) -> Seen:
    said, code, trace = io.StringIO(), 0, ""
    started = time.process_time()
    with (
        contextlib.chdir(place),
        contextlib.redirect_stderr(said),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        try:
            main(CALLS[call])
        except SystemExit as stopped:
            code = stopped.code if isinstance(stopped.code, int) else 1
        except Exception as error:  # a traceback, which no user should see
            trace = f"{type(error).__name__}: {error}"[:300]
    return Seen(call, damage, code, said.getvalue(), time.process_time() - started, trace)


def _in_pages(rng: random.Random) -> tuple[str, Callable[[Path], None]]:
    """Bytes of the database changed, cut off, or put elsewhere."""
    how, seed = rng.choice(("flip", "zero", "cut", "swap", "header", "noise")), rng.random()

    def damage(run: Path) -> None:
        inner = random.Random(seed)
        data = bytearray((run / "study.db").read_bytes())
        page = inner.randrange(len(data) // 4096) * 4096
        if how == "flip":
            for _ in range(inner.choice((1, 8, 64))):
                data[inner.randrange(len(data))] = inner.randrange(256)
        elif how == "zero":
            data[page : page + 4096] = bytes(4096)
        elif how == "cut":
            del data[inner.randrange(len(data)) :]
        elif how == "swap":
            other = inner.randrange(len(data) // 4096) * 4096
            data[page : page + 4096], data[other : other + 4096] = (
                data[other : other + 4096],
                data[page : page + 4096],
            )
        elif how == "header":
            data[:100] = inner.randbytes(100)
        else:
            data = bytearray(inner.randbytes(len(data)))
        (run / "study.db").write_bytes(data)

    return f"study.db: {how} {seed}", damage


_COLUMNS = (
    ("trial_params", "param_value"), ("trial_params", "param_name"),
    ("trial_params", "distribution_json"), ("trial_user_attributes", "value_json"),
    ("trial_user_attributes", "key"), ("trial_values", "value"), ("trial_values", "objective"),
    ("trials", "state"), ("trials", "number"), ("trials", "datetime_start"),
    ("study_user_attributes", "value_json"), ("study_directions", "direction"),
    ("studies", "study_name"), ("trial_system_attributes", "value_json"),
    ("version_info", "schema_version"), ("alembic_version", "version_num"),
)  # fmt: skip


def _in_rows(rng: random.Random) -> tuple[str, Callable[[Path], None]]:
    """A value of a row changed, rows or a table removed."""
    table, column = rng.choice(_COLUMNS)
    value, how = rng.choice(NASTY), rng.choice(("set", "set", "set", "delete", "drop"))
    text = value.decode("utf-8", "replace")

    def damage(run: Path) -> None:
        with closing(sqlite3.connect(run / "study.db")) as database, database:
            if how == "set":
                where = f"rowid IN (SELECT rowid FROM {table} ORDER BY random() LIMIT 2)"
                with contextlib.suppress(sqlite3.Error):  # a constraint keeps it from that
                    database.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (text,))
            elif how == "delete":
                database.execute(f"DELETE FROM {table} WHERE rowid % 2")
            else:
                database.execute(f"DROP TABLE {table}")

    return f"study.db: {how} {table}.{column} {text[:20]!r}", damage


def _in_text(rng: random.Random) -> tuple[str, Callable[[Path], None]]:
    """Something nasty put into a file, or in the place of one of its values."""
    name, value, where = rng.choice(TEXTS), rng.choice(NASTY), rng.random()
    replaces = rng.random() < 0.7

    def damage(run: Path) -> None:
        data = (run / name).read_bytes()
        at = int(where * len(data))
        if replaces:
            starts = [i for i, byte in enumerate(data) if byte in b":,[ \n"] or [0]
            at = starts[int(where * len(starts))] + 1
            ends = [i for i in range(at, len(data)) if data[i] in b",]} \n"] or [len(data)]
            data = data[:at] + value + data[ends[0] :]
        else:
            data = data[:at] + value + data[at:]
        (run / name).write_bytes(data)

    return f"{name}: {value[:20]!r} at {where:.4f}", damage


def _whole(rng: random.Random) -> tuple[str, Callable[[Path], None]]:
    """A file gone, empty, cut off, a folder, a pipe, a link to itself, or not readable text."""
    name = rng.choice((*TEXTS, "study.db"))
    how, where = (
        rng.choice(("gone", "empty", "cut", "folder", "pipe", "loop", "zero")),
        rng.random(),
    )

    def damage(run: Path) -> None:
        path = run / name
        data = path.read_bytes()
        path.unlink()
        if how == "folder":
            path.mkdir()
        elif how == "pipe":
            os.mkfifo(path)
        elif how == "loop":
            path.symlink_to(path)
        elif how == "zero":
            path.symlink_to("/dev/zero")
        elif how != "gone":
            path.write_bytes(data[: int(where * len(data))] if how == "cut" else b"")

    return f"{name}: {how} {where:.4f}", damage
