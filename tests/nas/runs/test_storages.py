"""What every storage of studies promises: one writer a study, and no study by accident."""

import itertools
import multiprocessing
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
import sqlalchemy

import toy
from nas.cli import main
from nas.runs.storage import Postgres, SqliteFile, Storage, storage
from nas.runs.study import StudyStore
from postgres_server import PASSWORD, Server, running_server
from search_spaces.errors import UserError

TOY = ["evaluator=custom", "evaluator._target_=toy.Toy", "search.workers=1", "sampler=random"]
SETTINGS = {"search": {"seed": 0}}
_number = itertools.count()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with running_server() as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """A storage, and a study's name in it that no other test has."""
    if request.param == "sqlite":
        return storage(f"sqlite:///{tmp_path}/studies.db", tmp_path)
    return storage(request.getfixturevalue("server").url, tmp_path)


def store(kept: Storage, name: str) -> StudyStore:
    return StudyStore(kept, name, ("maximize",))


def trial(value: float = 0.5) -> optuna.trial.FrozenTrial:
    return optuna.trial.create_trial(value=value)


def new() -> str:
    return f"study {next(_number)}"


def test_what_is_appended_is_read_by_another(kept: Storage) -> None:
    name = new()
    ours = store(kept, name)
    with ours.held(SETTINGS):
        for value in (0.5, 0.25):
            ours.append(trial(value))
        assert [t.value for t in ours.trials()] == [0.5, 0.25]
        assert [t.number for t in ours.trials()] == [0, 1]
    assert [t.value for t in store(kept, name).trials()] == [0.5, 0.25]


def test_reading_makes_nothing(kept: Storage) -> None:
    assert store(kept, new()).trials() == []
    if isinstance(kept, SqliteFile):
        assert not list(kept.path.parent.iterdir())


def test_a_study_has_one_writer(kept: Storage) -> None:
    name = new()
    with store(kept, name).held(SETTINGS):
        with pytest.raises(UserError, match=f"study {name!r} is in use by"):
            store(kept, name).held(SETTINGS).__enter__()
        with store(kept, new()).held(SETTINGS):
            pass
    with store(kept, name).held(SETTINGS):
        pass


def _hold_and_die(kept: Storage, name: str, ready: object) -> None:
    with store(kept, name).held(SETTINGS):
        ready.set()  # type: ignore[attr-defined]
        time.sleep(600)


def test_a_killed_writer_holds_nobody_up(kept: Storage) -> None:
    name = new()
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    process = context.Process(target=_hold_and_die, args=(kept, name, ready))
    process.start()
    assert ready.wait(120)
    with pytest.raises(UserError, match="in use by"):
        store(kept, name).held(SETTINGS).__enter__()
    process.kill()
    process.join()
    for _ in range(600):
        try:
            with store(kept, name).held(SETTINGS):
                return
        except UserError:  # the server has not missed it yet
            time.sleep(0.1)
    raise AssertionError("the lock outlived its process")


def test_trials_made_with_other_settings_are_refused_by_name(kept: Storage) -> None:
    name = new()
    ours = store(kept, name)
    with ours.held(SETTINGS):
        ours.append(trial())
    with pytest.raises(UserError, match=r"search\.seed=0, not 1") as refused:
        store(kept, name).held({"search": {"seed": 1}}).__enter__()
    assert name in str(refused.value)
    assert PASSWORD not in str(refused.value)


def test_settings_without_a_trial_may_change(kept: Storage) -> None:
    name = new()
    with store(kept, name).held(SETTINGS):
        pass
    changed = store(kept, name)
    with changed.held({"search": {"seed": 1}}):
        changed.append(trial())
    with pytest.raises(UserError, match=r"search\.seed=1, not 0"):
        store(kept, name).held(SETTINGS).__enter__()


def test_a_study_of_somebody_elses_is_refused(kept: Storage) -> None:
    name = new()
    foreign = optuna.create_study(storage=kept.connect(), study_name=name, direction="maximize")
    foreign.add_trial(trial())
    with pytest.raises(UserError, match="not one of a search of this program"):
        store(kept, name).held(SETTINGS).__enter__()


def test_a_mistake_leaves_no_study(kept: Storage) -> None:
    def err(name: str) -> None:
        with store(kept, name).held(SETTINGS):
            raise UserError("a mistake")

    name = new()
    with pytest.raises(UserError, match="a mistake"):
        err(name)
    assert name not in [s.study_name for s in kept.connect().get_all_studies()]


def test_four_searches_that_begin_at_once_all_get_through(kept: Storage, tmp_path: Path) -> None:
    url = str(kept) if isinstance(kept, Postgres) else f"sqlite:///{kept}"
    url = url.replace("***", sqlalchemy.engine.url.make_url(_url_of(kept)).password or "")
    code = (
        "import sys; from nas.runs.storage import storage; from nas.runs.study import StudyStore\n"
        "from pathlib import Path; import optuna\n"
        "store = StudyStore(storage(sys.argv[1], Path()), sys.argv[2], ('maximize',))\n"
        "with store.held({}): store.append(optuna.trial.create_trial(value=1.0))"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code, _url_of(kept), new()]) for _ in range(4)
    ]
    assert [process.wait(120) for process in started] == [0] * 4


def _url_of(kept: Storage) -> str:
    if isinstance(kept, Postgres):
        return kept.url.render_as_string(hide_password=False)
    return f"sqlite:///{kept}"


def test_two_folders_of_one_name_share_nothing(kept: Storage, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    url = f"storage='{_url_of(kept)}'"
    main(["search", "run=a/digits", url, *TOY, "search.trials=2"])
    main(["search", "run=b/digits", url, *TOY, "search.trials=3", "search.seed=4"])
    tables = [Path(f"{name}/digits/trials.csv").read_text().splitlines() for name in "ab"]
    assert [len(lines) - 1 for lines in tables] == [2, 3]
    assert not set(tables[0][1:]) & set(tables[1][1:])


def test_a_study_by_name_goes_on_from_another_folder(
    kept: Storage, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    url, name = f"storage='{_url_of(kept)}'", f"study={new().replace(' ', '')}-by-name"
    main(["search", "run=a", url, name, *TOY, "search.trials=2"])
    main(["search", "run=b", url, name, *TOY, "search.trials=3"])
    assert len(Path("b/trials.csv").read_text().splitlines()) == 4


def test_a_server_that_stops_is_one_line_without_its_password(
    tmp_path: Path, monkeypatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with running_server() as server:
        arguments = ["search", "run=r", f"storage='{server.url}'", *TOY, "search.trials=6"]
        evaluate = toy.Toy.evaluate
        calls = itertools.count()

        def stopping(self, *asked):
            if next(calls) == 3:
                server.stop()
            return evaluate(self, *asked)

        monkeypatch.setattr(toy.Toy, "evaluate", stopping)
        with pytest.raises(SystemExit) as stopped:
            main(arguments)
        assert stopped.value.code == 1
        said = capsys.readouterr().err
        progress = ("search ", "plan: ")
        assert [line for line in said.splitlines() if not line.strip().startswith(progress)] == [
            said.splitlines()[-1]
        ]
        assert "cannot be written to" in said
        assert PASSWORD not in said
        assert "s3cret" not in said
        assert len(Path("r/trials.csv").read_text().splitlines()) == 4
        with pytest.raises(SystemExit) as refused:
            main(arguments)
        assert refused.value.code == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert "cannot be opened" in said
        assert "s3cret" not in said
        server.start()
        main(arguments)
        assert len(Path("r/trials.csv").read_text().splitlines()) == 7


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("sqlite://", "in memory"),
        ("mysql://me:secret@host/studies", "expected sqlite"),
        ("redis://localhost", "expected sqlite"),
        ("nonsense", "expected sqlite"),
        ("", "expected sqlite"),
        (3, "got 3"),
        (["a"], "expected sqlite"),
    ],
)
def test_what_cannot_be_locked_is_refused(tmp_path: Path, asked: object, words: str) -> None:
    with pytest.raises(UserError, match=words) as refused:
        storage(asked, tmp_path)
    assert "secret" not in str(refused.value)
