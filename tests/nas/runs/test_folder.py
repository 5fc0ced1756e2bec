"""A run folder: nothing of others touched, nothing lost, and the same run wherever it is moved."""

import os
import shutil
from pathlib import Path

import pytest

from nas.cli import main
from nas.dashboard.frames import load_run
from nas.runs.folder import RunFolder, RunStage, logged
from nas.runs.study import recorded
from scaling_search.rule.compound import COMPOUND
from search_spaces.errors import UserError
from search_spaces.yaml_io import load_arch
from toy import Toy

TOY = ["evaluator=custom", "evaluator._target_=toy.Toy", "search.workers=1", "sampler=random"]


class LateMistake(Toy):
    """Finds out in its first evaluation that it cannot evaluate anything."""

    def evaluate(self, arch, seed, report):
        raise UserError("a late mistake")


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 2) -> str:
    """The one line that a call which is refused prints, beside the plan of what has begun."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    lines = capsys.readouterr().err.splitlines(keepends=True)
    assert stopped.value.code == code
    (said,) = (line for line in lines if not line.startswith("plan: "))
    return said


def files() -> dict[str, bytes]:
    """Everything below the working directory, by path."""
    paths = [path for path in Path().rglob("*") if path.is_file() and not path.is_symlink()]
    return {str(path): path.read_bytes() for path in paths}


def stage(name: str = "search", recorded: bool = False, **made_with: object) -> RunStage:
    return RunStage(name, made_with, lambda: recorded, "records.db")


def test_stages_are_noted_together_or_not_at_all(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    before = RunStage("plain", {"lr": 0.1}, lambda: True, "the log")
    with run.stage(before):
        text = run.config.read_bytes()
    first = RunStage("full", {"lr": 0.4}, lambda: True, "the log", asked={"seeds": 3})
    changed = RunStage("plain", {"lr": 0.2}, lambda: True, "the log")
    with pytest.raises(UserError, match=r"holds a plain made with lr=0\.1, not 0\.2"):
        run.stage(first, changed).__enter__()
    assert run.config.read_bytes() == text
    with run.stage(first, before):
        assert run.made_with("full") == {"lr": 0.4, "asked": {"seeds": 3}}
        assert run.made_with("plain") == {"lr": 0.1}


def test_a_mistake_removes_nothing_but_what_its_run_made(
    capsys: pytest.CaptureFixture[str],
) -> None:
    late = [*TOY, "evaluator._target_=test_folder.LateMistake"]
    refused(capsys, "search", "run=results/a", *late)
    assert not Path("results").exists()
    main(["search", "run=results/b", *TOY, "search.trials=2"])
    Path("results/mine.txt").write_text("mine")
    before = files()
    assert "a late mistake" in refused(capsys, "search", "run=results/deep/a", *late)
    assert files() == before
    assert not Path("results/deep").exists()


def test_what_came_into_a_folder_meanwhile_stays() -> None:
    def mistake() -> None:
        with RunFolder(Path("results/a")).stage(stage()):
            Path("results/b").mkdir()
            Path("results/b/mine").write_text("mine")
            raise UserError("a mistake")

    with pytest.raises(UserError, match="a mistake"):
        mistake()
    assert list(files()) == ["results/b/mine"]


def test_a_mistake_in_a_folder_of_ones_own_leaves_it_as_it_was() -> None:
    Path("r").mkdir()
    Path("r/notes").write_text("mine")

    def mistake() -> None:
        with RunFolder(Path("r")).stage(stage()):
            raise UserError("a mistake")

    with pytest.raises(UserError, match="a mistake"):
        mistake()
    assert list(files()) == ["r/notes"]


@pytest.mark.parametrize("how", ["move", "copy", "link"])
def test_a_folder_goes_on_under_any_name(how: str) -> None:
    main(["search", "run=x", *TOY, "search.trials=3"])
    {"move": shutil.move, "copy": shutil.copytree, "link": os.symlink}[how]("x", "y")
    before = [record.key for record in recorded(Path("y"))]
    main(["search", "run=y", *TOY, "search.trials=5"])
    after = [record.key for record in recorded(Path("y"))]
    assert after[:3] == before
    assert len(after) == 5


def test_a_finished_folder_is_not_evaluated_again_when_it_was_moved(monkeypatch) -> None:
    main(["search", "run=x", *TOY, "search.trials=3"])
    Path("x").rename("y")

    def evaluated_again(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(Toy, "evaluate", evaluated_again)
    main(["search", "run=y", *TOY, "search.trials=3"])
    assert load_arch("y/baseline.yaml").name == "y"


@pytest.mark.parametrize("name", ["a?b", "a#b", "a%41b", "a b", "a&b=c", "ü", "a'b", 'a"b', "a;b"])
def test_a_folder_may_have_any_name(name: str, monkeypatch) -> None:
    Path(name).mkdir()
    monkeypatch.chdir(name)
    main(["search", "run=r", *TOY, "search.trials=2"])
    assert {path.name for path in Path().iterdir()} == {"r"}
    assert len(recorded(Path("r"))) == 2
    assert len(Path("r/trials.csv").read_text().splitlines()) == 3


@pytest.mark.parametrize("lost", ["missing", "empty"])
def test_a_table_is_not_overwritten_where_its_study_is_lost(
    lost: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["search", "run=r", *TOY, "search.trials=4"])
    original = Path("r/study.db").read_bytes()
    known = recorded(Path("r"))
    Path("r/study.db").unlink()
    if lost == "empty":
        Path("r/study.db").touch()
    before = files()
    said = refused(capsys, "search", "run=r", *TOY, "search.trials=5")
    assert "r/trials.csv holds 4 trials" in said
    assert "--from-csv" in said
    assert {n: c for n, c in files().items() if c} == {n: c for n, c in before.items() if c}
    main(["search", "run=r", *TOY, "search.trials=5", "--from-csv"])
    restored = recorded(Path("r"))
    assert restored[:4] == known
    Path("r/study.db").write_bytes(original)
    Path("r/trials.csv").unlink()
    main(["search", "run=r", *TOY, "search.trials=5"])
    assert [r.key for r in recorded(Path("r"))] == [r.key for r in restored]


def test_an_older_copy_of_a_study_is_noticed(capsys: pytest.CaptureFixture[str]) -> None:
    main(["search", "run=r", *TOY, "search.trials=2"])
    older = Path("r/study.db").read_bytes()
    main(["search", "run=r", *TOY, "search.trials=5"])
    Path("r/study.db").write_bytes(older)
    said = refused(capsys, "search", "run=r", *TOY, "search.trials=5")
    assert "r/trials.csv holds 5 trials, but" in said
    main(["search", "run=r", *TOY, "search.trials=5", "--from-csv"])
    assert len(recorded(Path("r"))) == 5


def test_a_table_that_was_changed_restores_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    main(["search", "run=r", *TOY, "search.trials=2"])
    table = Path("r/trials.csv").read_text()
    Path("r/study.db").unlink()
    names, cells = (line.split(",") for line in table.splitlines()[:2])
    first = dict(zip(names, cells, strict=True))
    for change, wrong, words in (
        ("finished", "done", "state: got"),
        (first["accuracy"], "1e308", "accuracy: expected fractions"),
        (first["macs"], "many", "expected numbers"),
    ):
        Path("r/trials.csv").write_text(table.replace(change, wrong, 1))
        said = refused(capsys, "search", "run=r", *TOY, "search.trials=2", "--from-csv")
        assert "r/trials.csv: row 1: " in said
        assert words in said
    assert not Path("r/study.db").exists()


def test_settings_are_known_without_their_file(capsys: pytest.CaptureFixture[str]) -> None:
    main(["search", "run=r", *TOY, "search.trials=2"])
    Path("r/config.yaml").unlink()
    said = refused(capsys, "search", "run=r", *TOY, "search.trials=3", "search.seed=7")
    assert "search.seed=0, not 7" in said
    main(["search", "run=r", *TOY, "search.trials=3"])
    assert len(recorded(Path("r"))) == 3
    assert "seed: 0" in Path("r/config.yaml").read_text()


@pytest.mark.parametrize("lost", ["sweep", "ablation_accuracy", "per_stage", "bench"])
def test_no_table_is_overwritten_without_its_records(lost: str) -> None:
    Path("r").mkdir()
    Path(f"r/{lost}.csv").write_text("what is left")
    with (
        pytest.raises(UserError, match=f"{lost}.csv is there, but not the records"),
        RunFolder(Path("r")).stage(logged(lost, {}, Path("r/log.jsonl"), f"{lost}.csv")),
    ):
        raise AssertionError
    assert list(files()) == [f"r/{lost}.csv"]


def test_settings_may_change_until_there_is_a_record() -> None:
    folder = RunFolder(Path("r"))
    with folder.stage(stage(epochs=2)):
        pass
    with folder.stage(stage(epochs=3)):
        pass
    with (
        pytest.raises(UserError, match="made with epochs=3, not 4"),
        folder.stage(stage(recorded=True, epochs=4)),
    ):
        raise AssertionError


def test_a_family_leaves_what_is_not_its_own() -> None:
    for name in ("best.yaml", "baseline_notes.yaml", "b9.yaml", "b3.yaml"):
        Path("r/family").mkdir(parents=True, exist_ok=True)
        Path("r/family", name).write_text("mine")
    main(["scale", "run=r"])
    constants = ["alpha=1.2", "beta=1.1", "gamma=1.15"]
    Path("r/family/b5.yaml").write_text("changed by hand")
    main(["scale", "run=r", "coefficients=formula", *constants, "phis=[1]"])
    left = {path.name: path.read_text() for path in Path("r/family").iterdir()}
    assert set(left) == {
        *("b0.yaml", "b1.yaml"),
        *("best.yaml", "baseline_notes.yaml", "b9.yaml", "b3.yaml.orig", "b5.yaml"),
    }
    assert left["b3.yaml.orig"] == left["b9.yaml"] == left["best.yaml"] == "mine"
    assert left["b5.yaml"] == "changed by hand"


@pytest.mark.parametrize("folder", ["front", "ablation"])
def test_other_folders_of_networks_leave_what_is_not_theirs(folder: str) -> None:
    Path("r", folder).mkdir(parents=True)
    Path("r", folder, "mine.yaml").write_text("mine")
    calls = {"front": ["search", *TOY, "search.trials=3"], "ablation": ["ablate"]}
    main([*calls[folder], "run=r"])
    main([*calls[folder], "run=r"])
    assert Path("r", folder, "mine.yaml").read_text() == "mine"
    assert len(list(Path("r", folder).iterdir())) > 2
    assert not list(Path("r", folder).glob("*.orig"))


@pytest.mark.parametrize(
    ("link", "call"),
    [
        ("family", ["scale"]),
        ("scaled", ["scale", "depth=2"]),
        ("ablation", ["ablate"]),
        ("front", ["search", *TOY, "search.trials=2"]),
        ("study.db", ["search", *TOY, "search.trials=2"]),
        ("study.db-journal", ["search", *TOY, "search.trials=2"]),
        (".lock", ["search", *TOY, "search.trials=2"]),
    ],
)
def test_nothing_is_written_through_a_link(
    link: str, call: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("r").mkdir()
    Path("elsewhere").mkdir()
    Path("file").write_text("mine")
    target = "file" if "." in link else "elsewhere"
    Path("r", link).symlink_to(Path(target).absolute())
    assert f"{link} is a link" in refused(capsys, *call, "run=r")
    assert Path("file").read_text() == "mine"
    assert not list(Path("elsewhere").iterdir())


@pytest.mark.parametrize(
    ("link", "call"),
    [
        ("config.yaml", ["search", *TOY, "search.trials=2"]),
        ("trials.csv", ["search", *TOY, "search.trials=2"]),
        (".front.written.json", ["search", *TOY, "search.trials=2"]),
        ("ablation.csv", ["ablate"]),
        ("family/b0.yaml", ["scale"]),
    ],
)
def test_a_file_takes_the_place_of_a_link(link: str, call: list[str]) -> None:
    Path("r/family").mkdir(parents=True)
    Path("file").touch()
    Path("r", link).symlink_to(Path("file").absolute())
    main([*call, "run=r"])
    assert Path("file").read_text() == ""
    assert not Path("r", link).is_symlink()
    assert Path("r", link).read_text()


def test_a_baseline_takes_the_place_of_a_link() -> None:
    main(["search", "run=r", *TOY, "search.trials=2"])
    Path("file").touch()
    Path("r/baseline.yaml").unlink()
    Path("r/baseline.yaml").symlink_to(Path("file").absolute())
    main(["search", "run=r", *TOY, "search.trials=3"])
    assert Path("file").read_text() == ""
    assert load_arch("r/baseline.yaml").name == "r"


def test_a_page_takes_the_place_of_a_link() -> None:
    main(["search", "run=r", *TOY, "search.trials=2"])
    Path("file").touch()
    Path("r/dashboard.html").symlink_to(Path("file").absolute())
    Path("r/dashboard.html.part").symlink_to(Path("file").absolute())
    main(["dashboard", "r"])
    assert Path("file").read_text() == ""
    assert not Path("r/dashboard.html").is_symlink()


def test_a_file_in_the_place_of_a_run_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    Path("taken").write_text("mine")
    assert "taken is a file; expected a folder" in refused(
        capsys, "search", "run=taken", *TOY, "search.trials=2"
    )
    assert "taken is a file; expected a folder" in refused(
        capsys, "search", "run=taken/deep", *TOY, "search.trials=2"
    )
    assert files() == {"taken": b"mine"}
    Path("gone").symlink_to("nowhere")
    os.mkfifo("pipe")
    for run in ("gone", "pipe/deep", "/dev/null"):
        blocking = run.removesuffix("/deep")
        assert f"{blocking} is no folder; expected a folder" in refused(
            capsys, "search", f"run={run}", *TOY, "search.trials=2"
        )


def test_a_page_and_a_warm_start_read_the_records_of_a_search_that_was_killed() -> None:
    main(["search", "run=r", *TOY, "search.trials=4"])
    whole = load_run(Path("r"), COMPOUND).trials
    for made in ("trials.csv", "baseline.yaml"):
        Path("r", made).unlink()
    shutil.rmtree("r/front")
    killed = load_run(Path("r"), COMPOUND)
    assert list(killed.trials["accuracy"]) == list(whole["accuracy"])
    assert killed.choices == load_run(Path("r"), COMPOUND).choices
    assert not killed.trials["baseline"].any()
    main(["dashboard", "r"])
    main(["search", "run=s", *TOY, "search.trials=2", "search.start_from=r"])
    best = max(recorded(Path("r")), key=lambda record: record.reward or 0)
    assert recorded(Path("s"))[0].key == best.key


def test_trials_have_the_times_they_took() -> None:
    main(["search", "run=r", *TOY, "+evaluator.seconds=0.05", "search.trials=2"])
    import optuna

    from nas.runs.storage import SqliteFile

    backend = SqliteFile(Path("r/study.db"), of_run=True).connect()
    (name,) = [study.study_name for study in backend.get_all_studies()]
    for trial in optuna.load_study(study_name=name, storage=backend).trials:
        assert trial.duration is not None
        assert trial.duration.total_seconds() >= 0.05


def test_a_table_of_accuracies_may_move_but_not_change(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("space.yaml").write_text("name: s\nbase: net.yaml\nstages: {1: {kernel: [3, 5]}}\n")
    main(["scale", "run=z", "depth=1"])
    Path("z/scaled/efficientnet_b0_d1.yaml").rename("net.yaml")
    Path("a.csv").write_text("s1_kernel,accuracy\n3,0.5\n5,0.6\n")
    Path("conf/space").mkdir(parents=True)
    Path("space.yaml").rename("conf/space/mine.yaml")
    table = ["run=r", "space=mine", "--config-dir", "conf", "evaluator=table", "search.workers=1"]
    main(["search", *table, "evaluator.path=a.csv", "search.trials=1"])
    Path("elsewhere").mkdir()
    Path("a.csv").rename("elsewhere/b.csv")
    main(["search", *table, "evaluator.path=elsewhere/b.csv", "search.trials=2"])
    assert len(recorded(Path("r"))) == 2
    Path("elsewhere/b.csv").write_text("s1_kernel,accuracy\n3,0.5\n5,0.7\n")
    said = refused(capsys, "search", *table, "evaluator.path=elsewhere/b.csv", "search.trials=2")
    assert "evaluator.digest=" in said
