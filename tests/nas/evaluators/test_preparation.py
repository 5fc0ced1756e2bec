"""What an evaluator prepares: once, under the run folder's lock, kept for calls to come."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from nas.cli import main
from nas.evaluators.base import Evaluator, Measurement, ProgressReport, Report
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from toy import Toy, wait_until

NAS_SEARCH = [sys.executable, "-c", "import nas.cli; nas.cli.main()"]
HERE = Path(__file__)


class Lessons(Evaluator):
    """Learns three lessons beforehand, each in a file, and evaluates by them."""

    def __init__(self, wait: bool = False, stop: str = "", bonus: float = 0.0) -> None:
        self.wait, self.stop, self.bonus = wait, stop, bonus

    def prepare(self, workspace: Path, progress: ProgressReport) -> None:
        print("an evaluator that prints")
        for lesson in range(3):
            path = workspace / f"{lesson}.txt"
            if not path.exists():
                with Path("diary").open("a") as diary:
                    diary.write(f"{lesson}\n")
                path.write_text(f"0.0{lesson}")
            progress(lesson + 1, 3, f"lesson {lesson}")
            if lesson == 1:
                self._midway()
        self.learnt = workspace

    def _midway(self) -> None:
        if self.wait:
            wait_until(Path("go").exists)
        if self.stop == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.stop == "mistake":
            raise UserError("evaluator.lessons: too\nfew")
        if self.stop == "bug":
            raise ValueError("a bug\nof two lines")
        if self.stop == "exit":
            raise SystemExit(0)
        if self.stop == "disk":
            (Path("nowhere") / "x").write_text("")

    def evaluate(self, arch: Arch, seed: int, report: Report) -> Measurement:
        known = sum(float((self.learnt / f"{n}.txt").read_text()) for n in range(3))
        toy = Toy().evaluate(arch, seed, report)
        return Measurement(accuracy=toy.accuracy + known + self.bonus)


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


TARGET = "evaluator._target_=test_preparation.Lessons"
SEARCH = ["search", "run=r", "evaluator=custom", TARGET, "sampler=random", "search.trials=2"]


def command(*settings: str) -> list[str]:
    return [*SEARCH, "search.workers=1", *settings]


def apart(*arguments: str) -> subprocess.Popen[str]:
    """The same in a process of its own."""
    paths = [str(HERE.parents[3]), str(HERE.parents[2]), str(HERE.parent)]
    return subprocess.Popen(
        [*NAS_SEARCH, *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[object, str]:
    """The exit code of a call that fails, and its last line."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    return stopped.value.code, capsys.readouterr().err.splitlines()[-1]


def diary() -> list[str]:
    return Path("diary").read_text().split()


def workspaces() -> list[Path]:
    return sorted(Path("r/evaluators").iterdir())


@pytest.mark.parametrize("how", ["search.workers=1", "search.workers=2"])
def test_what_was_prepared_serves_evaluations_and_later_calls(
    how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main([*SEARCH, how])
    printed = capsys.readouterr()
    assert "an evaluator that prints" not in printed.out, "the output is the answer"
    assert "prepare 2/3 · lesson 1" in printed.err
    (workspace,) = workspaces()
    assert workspace.name.startswith("Lessons-")
    main([*SEARCH, how, "search.trials=3"])
    assert diary() == ["0", "1", "2"], "the second call found what the first had learnt"
    assert workspaces() == [workspace]


def test_what_is_finished_needs_no_preparation() -> None:
    main(command())
    Path("r/evaluators").rename("elsewhere")
    main(command())
    assert diary() == ["0", "1", "2"]
    assert not Path("r/evaluators").exists()


def test_what_other_settings_prepared_is_not_taken_for_ones_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ended(capsys, *command("+evaluator.stop=mistake"))
    main(command())
    assert diary() == ["0", "1", "0", "1", "2"]
    assert len(workspaces()) == 2


def test_a_preparation_that_was_killed_goes_on_from_what_it_wrote() -> None:
    first = apart(*command("+evaluator.wait=true"))
    _await_lessons(2)
    first.kill()
    assert first.wait(120) == -signal.SIGKILL
    Path("go").touch()
    main(command("+evaluator.wait=true"))
    assert diary() == ["0", "1", "2"]
    assert Path("r/baseline.yaml").is_file()


def test_a_second_call_is_refused_while_the_first_prepares(
    capsys: pytest.CaptureFixture[str],
) -> None:
    first = apart(*command("+evaluator.wait=true"))
    _await_lessons(2)
    code, line = ended(capsys, *command("+evaluator.wait=true"))
    Path("go").touch()
    assert code == 2
    assert line.startswith("nas-search: r is in use by process ")
    assert first.wait(120) == 0, first.stderr and first.stderr.read()
    assert diary() == ["0", "1", "2"]


def _await_lessons(count: int) -> None:
    wait_until(lambda: Path("diary").exists() and len(diary()) >= count)


def test_a_users_mistake_is_told_on_one_line_and_leaves_what_was_prepared(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, line = ended(capsys, *command("+evaluator.stop=mistake"))
    assert (code, line) == (2, "nas-search: evaluator.lessons: too few")
    assert [path.name for path in Path("r").iterdir()] == ["evaluators"]
    assert [path.name for path in sorted(workspaces()[0].iterdir())] == ["0.txt", "1.txt"]


class Refusing(Toy):
    """Cannot evaluate anything, and knows it at once."""

    def prepare(self, workspace: Path, progress: ProgressReport) -> None:
        raise UserError("evaluator: no lessons")


def test_a_mistake_before_anything_was_prepared_leaves_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    refusing = "evaluator._target_=test_preparation.Refusing"
    assert ended(capsys, *command(refusing))[0] == 2
    assert not Path("r").exists()


@pytest.mark.parametrize(
    ("stop", "reason"),
    [
        ("bug", "ValueError: a bug"),
        ("exit", "SystemExit: 0"),
        ("disk", "FileNotFoundError: [Errno 2] No such file or directory: 'nowhere/x'"),
    ],
)
def test_a_bug_is_told_on_one_line_with_its_place(
    stop: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, line = ended(capsys, *command(f"+evaluator.stop={stop}"))
    assert code == 1
    told = f"nas-search: evaluator: cannot be prepared: {reason} ({HERE.name}, line "
    assert line.startswith(told)
    assert line.endswith("), see failures/prepare.txt")
    assert "in _midway" in Path("r/failures/prepare.txt").read_text()
    assert not Path("r/baseline.yaml").exists()


class Wandering(Evaluator):
    """Goes to another folder wherever it can, and stays there."""

    def __init__(self, stop: bool = False) -> None:
        self.stop = stop
        self._go()

    def _go(self) -> None:
        Path("far/away").mkdir(parents=True, exist_ok=True)
        os.chdir("far/away")

    def check(self, arch: Arch) -> None:
        self._go()

    def class_names(self) -> tuple[str, ...]:
        self._go()
        return ()

    def prepare(self, workspace: Path, progress: ProgressReport) -> None:
        self._go()
        if self.stop:
            raise ValueError("lost")

    def evaluate(self, arch: Arch, seed: int, report: Report) -> Measurement:
        self._go()
        return Toy().evaluate(arch, seed, report)

    def data_summary(self) -> str:
        self._go()
        return "data: far away"


@pytest.mark.parametrize("how", ["search.workers=1", "search.workers=2"])
def test_a_run_stays_in_its_folder_wherever_an_evaluator_goes(how: str, tmp_path: Path) -> None:
    wandering = "evaluator._target_=test_preparation.Wandering"
    main([*SEARCH, how, wandering])
    assert Path.cwd() == tmp_path
    assert Path("r/baseline.yaml").is_file()
    assert sorted(path.name for path in Path().iterdir()) == ["far", "r"]
    assert not [path for path in Path("far").rglob("*") if path.is_file()]
    assert not Path("r/.lock").exists()
    main([*SEARCH, how, wandering, "search.trials=3"])
    assert len(Path("r/trials.csv").read_text().splitlines()) == 4


def test_the_traceback_of_an_evaluator_that_went_away_is_kept_in_the_run_folder(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, line = ended(
        capsys,
        *command("evaluator._target_=test_preparation.Wandering", "+evaluator.stop=true"),
    )
    assert code == 1
    assert line.endswith("), see failures/prepare.txt")
    assert "in prepare" in Path("r/failures/prepare.txt").read_text()


class Holding(Toy):
    """Keeps a file open that it writes to."""

    def prepare(self, workspace: Path, progress: ProgressReport) -> None:
        self.file = (workspace / "log").open("w")


HOLDING = "evaluator._target_=test_preparation.Holding"


def test_an_open_file_serves_in_the_process_that_prepared() -> None:
    main(command(HOLDING))
    assert Path("r/baseline.yaml").is_file()


def test_an_open_file_that_would_have_to_travel_is_refused_on_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, line = ended(capsys, *SEARCH, HOLDING, "search.workers=2")
    assert code == 2
    assert line.startswith("nas-search: evaluator: cannot be sent to a worker process: ")
    assert [path.name for path in Path("r").iterdir()] == ["evaluators"], "what it prepared stays"


def test_no_workspace_is_written_through_a_link(capsys: pytest.CaptureFixture[str]) -> None:
    Path("elsewhere").mkdir()
    Path("r").mkdir()
    Path("r/evaluators").symlink_to(Path("elsewhere").absolute())
    code, line = ended(capsys, *command())
    assert code == 2
    assert line.endswith("r/evaluators is a link; nothing is written through links")
    assert not list(Path("elsewhere").iterdir())


OTHERS = {
    "bench": ["bench", "space=kernel_expand", "only=[random]", "seeds=1", "trials=2", "at=[1]"],
    "proxy-check": ["proxy-check", "networks=5", "workers=1"],
}


@pytest.mark.parametrize("verb", OTHERS)
def test_whatever_evaluates_prepares_first(verb: str) -> None:
    main([*OTHERS[verb], "run=r", "evaluator=custom", TARGET])
    assert diary() == ["0", "1", "2"]


def test_what_was_prepared_serves_tasks_of_ray(two_nodes: object) -> None:
    address = f"ray.address={two_nodes.address}"  # type: ignore[attr-defined]
    main([*SEARCH, "executor=ray", address, "search.workers=2"])
    assert diary() == ["0", "1", "2"]
    assert Path("r/baseline.yaml").is_file()
