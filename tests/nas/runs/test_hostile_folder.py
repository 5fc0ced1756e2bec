"""A run folder from somebody else: nothing outside of it is touched, nothing waits or breaks."""

import os
import shutil
import sqlite3
import struct
from contextlib import closing
from pathlib import Path

import pytest

from nas.cli import main
from nas.dashboard.frames import load_run
from nas.evaluators.base import Measurement
from nas.runs.study import recorded
from scaling_search.rule.compound import COMPOUND
from toy import Toy

TOY = ["evaluator=custom", "evaluator._target_=toy.Toy", "search.workers=1", "sampler=random"]
CALLS = (
    ["dashboard", "r"],
    ["search", "run=r", *TOY, "search.trials=4"],
    ["search", "run=s", *TOY, "search.trials=1", "search.start_from=r"],
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run."""
    run = tmp_path_factory.mktemp("made") / "r"
    main(["search", f"run={run}", *TOY, "search.trials=3"])
    return run


@pytest.fixture(autouse=True)
def _a_copy(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(made, "r")
    Path("precious").write_text("mine")


def refused(capsys: pytest.CaptureFixture[str], call: list[str]) -> str:
    capsys.readouterr()
    with pytest.raises(SystemExit) as stopped:
        main(call)
    said = capsys.readouterr().err
    assert (stopped.value.code, said.count("\n")) == (2, 1)
    return said


@pytest.mark.parametrize("call", CALLS)
def test_no_journal_deletes_a_file(call: list[str], capsys) -> None:
    database = Path("r/study.db").read_bytes()
    page = struct.unpack(">H", database[16:18])[0]
    magic = bytes.fromhex("d9d505f920a163d7")
    name = str(Path("precious").absolute()).encode()
    head = magic + struct.pack(">IIIII", 0, 0, len(database) // page, 512, page)
    tail = struct.pack(">I", 0x40000000 // page + 1) + name
    tail += struct.pack(">II", len(name), sum(name) & 0xFFFFFFFF) + magic
    Path("r/study.db-journal").write_bytes(head.ljust(512, b"\0") + tail)
    assert "a journal of several databases" in refused(capsys, call)
    assert Path("precious").read_text() == "mine"


@pytest.mark.parametrize("name", [".lock", "study.db", "study.db-journal"])
def test_no_second_name_of_a_file_is_written_through(name: str, capsys) -> None:
    Path("r", name).unlink(missing_ok=True)
    os.link("precious", Path("r", name))
    assert "hard links" in refused(capsys, CALLS[1])
    assert Path("precious").read_text() == "mine"


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", ["study.db", "study.db-journal", "study.db-wal"])
def test_no_pipe_is_waited_for(name: str, call: list[str], capsys) -> None:
    Path("r", name).unlink(missing_ok=True)
    os.mkfifo(Path("r", name))
    assert "is a device or a pipe" in refused(capsys, call)


@pytest.mark.parametrize("call", CALLS)
def test_no_view_is_computed(call: list[str], capsys) -> None:
    with closing(sqlite3.connect("r/study.db")) as database:
        database.executescript(
            "ALTER TABLE studies RENAME TO others; CREATE VIEW studies AS WITH RECURSIVE c(x) AS "
            "(SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x AS study_id, 'a' AS study_name "
            "FROM c"
        )
    assert "has view 'studies', which no study has" in refused(capsys, call)


def test_no_trigger_is_run(capsys) -> None:
    with closing(sqlite3.connect("r/study.db")) as database:
        database.execute("CREATE TRIGGER t AFTER INSERT ON trials BEGIN DELETE FROM trials; END")
    assert "has trigger 't'" in refused(capsys, CALLS[1])


@pytest.mark.parametrize("name", ["reason", "note", "compact"])
def test_text_of_any_kind_is_shown_as_characters(name: str) -> None:
    with closing(sqlite3.connect("r/study.db")) as database, database:
        database.execute(
            "INSERT OR REPLACE INTO trial_user_attributes (trial_id, key, value_json) "
            "VALUES (1, ?, ?)",
            (name, r'"\ud800\u001b[2J\n"'),
        )
    for call in CALLS:
        main(call)
    assert getattr(recorded(Path("r"))[0], name) == r"\ud800\x1b[2J"
    assert load_run(Path("r"), COMPOUND).trials[name][0] == r"\ud800\x1b[2J"


class Noted(Toy):
    """Says something that no file can hold."""

    def evaluate(self, arch, seed, report):
        return Measurement(accuracy=0.5, note="\ud800\n")


class Odd(Toy):
    """Raises what is no Exception."""

    def evaluate(self, arch, seed, report):
        raise GeneratorExit


def test_what_an_evaluator_notes_can_be_written() -> None:
    noted = [*TOY, "evaluator._target_=test_hostile_folder.Noted"]
    main(["search", "run=n", *noted, "search.trials=2"])
    assert {record.note for record in recorded(Path("n"))} == {r"\ud800"}
    assert len(Path("n/trials.csv").read_text().splitlines()) == 3


@pytest.mark.parametrize("workers", [1, 2])
def test_whatever_an_evaluator_raises_fails_its_candidate(workers: int, capsys) -> None:
    odd = [*TOY, "evaluator._target_=test_hostile_folder.Odd", f"search.workers={workers}"]
    with pytest.raises(SystemExit):
        main(["search", "run=o", *odd, "search.trials=1", "search.failures_max=2"])
    assert "GeneratorExit" in capsys.readouterr().err.splitlines()[-1]
    assert all("GeneratorExit" in record.reason for record in recorded(Path("o")))


def test_only_drafts_of_ours_are_cleared() -> None:
    dead = 2**22 + 1  # more than any process has
    theirs = (".mynotes.part", ".thesis.tex.part", f"a.{dead}.part")
    ours = (f".trials.csv.{dead}.part", f"front/.9M-1.yaml.{dead}.part")
    for name in (*theirs, *ours):
        Path("r", name).write_text("half")
    Path(f"r/.folder.{dead}.part").mkdir()
    main(CALLS[1])
    assert [name for name in theirs if not Path("r", name).exists()] == []
    assert [name for name in ours if Path("r", name).exists()] == []
    assert Path(f"r/.folder.{dead}.part").is_dir()


def test_a_configuration_of_something_else_is_not_written_to(capsys) -> None:
    Path("mine").mkdir()
    Path("mine/config.yaml").write_text("hydra: {job: mine}\n")
    assert "is not of a run folder" in refused(capsys, ["search", "run=mine", *TOY])
    assert Path("mine/config.yaml").read_text() == "hydra: {job: mine}\n"
    assert [path.name for path in Path("mine").iterdir()] == ["config.yaml"]


def test_a_baseline_of_the_users_own_is_not_overwritten(capsys) -> None:
    Path("mine").mkdir()
    Path("mine/baseline.yaml").write_text(Path("r/baseline.yaml").read_text())
    said = refused(capsys, ["search", "run=mine", *TOY, "search.trials=2"])
    assert "mine/baseline.yaml is there, but not the records" in said
    assert [path.name for path in Path("mine").iterdir()] == ["baseline.yaml"]
