"""Terminals of few characters, readers that go, full disks: what is to be written is written."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import toy

SCRIPT = Path(sys.executable).parent / "nas-search"
ROOT = Path(toy.__file__).parent.parent
FAMILY = [f"b{number}.yaml" for number in range(8)]


def run(folder: Path, command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A shell command, in which `$nas` stands for the console script."""
    everything = {**os.environ, "PYTHONPATH": str(ROOT), "nas": str(SCRIPT), **environment}
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=folder, env=everything, capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip


def family(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("**/family/*.yaml"))


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_a_terminal_without_greek_gets_the_family_all_the_same(
    tmp_path: Path, encoding: str
) -> None:
    done = run(tmp_path, "$nas scale", PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, "")
    assert "385,814,752" in done.stdout
    assert family(tmp_path) == FAMILY


@pytest.mark.parametrize("arguments", ["sweep --help", "sweep --plan sweep.step=0.2", "--help"])
def test_what_has_greek_in_it_is_shown_as_far_as_it_goes(tmp_path: Path, arguments: str) -> None:
    done = run(tmp_path, f"$nas {arguments}", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "?" in done.stdout


def test_a_mistake_with_characters_that_the_terminal_lacks_is_one_line(tmp_path: Path) -> None:
    done = run(tmp_path, "$nas cost 'Größe φ'", PYTHONIOENCODING="ascii")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("reader", ["head -1", "true"])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_goes_is_no_error(tmp_path: Path, reader: str, unbuffered: str) -> None:
    done = run(tmp_path, f"$nas scale | {reader}", PYTHONUNBUFFERED=unbuffered)
    assert (done.returncode, done.stderr) == (0, "")
    assert family(tmp_path) == FAMILY


def test_a_reader_of_progress_that_goes_does_not_end_the_work(tmp_path: Path) -> None:
    settings = "evaluator=custom evaluator._target_=toy.Toy search.workers=1 search.trials=3 run=r"
    path = os.pathsep.join(map(str, (ROOT, ROOT / "tests")))
    done = run(tmp_path, f"$nas search {settings} 2>&1 | true", PYTHONPATH=path)
    assert done.returncode == 0
    assert len((tmp_path / "r/trials.csv").read_text().splitlines()) == 4


def test_closed_streams_hold_nothing_up(tmp_path: Path) -> None:
    assert run(tmp_path, "$nas scale >&- 2>&-").returncode == 0
    assert family(tmp_path) == FAMILY


def test_a_full_disk_behind_standard_output_is_named_once(tmp_path: Path) -> None:
    done = run(tmp_path, "$nas scale >/dev/full")
    assert done.returncode == 1
    assert done.stderr == (
        "nas-search: standard output: No space left on device; what is finished is kept\n"
    )
    assert family(tmp_path) == FAMILY


def test_what_the_system_refuses_is_one_line_that_names_the_file(tmp_path: Path) -> None:
    # A folder that nobody may write to, root included.
    done = run(tmp_path, "$nas scale run=/proc/nowhere")
    assert done.returncode == 1
    assert done.stderr.startswith("nas-search: /proc/nowhere")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


@pytest.mark.parametrize(
    "settings", [f"run={'x' * 300}", "run=file/inside", f"network=resnet50 out={'y' * 300}.py"]
)
def test_a_name_that_no_file_can_have_is_the_users_mistake(tmp_path: Path, settings: str) -> None:
    (tmp_path / "file").touch()
    verb = "export format=timm" if "out=" in settings else "scale"
    done = run(tmp_path, f"$nas {verb} {settings}")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_nothing_in_a_mistake_is_obeyed_by_the_terminal(tmp_path: Path) -> None:
    done = run(tmp_path, "$nas cost $'\\e[2J\\a\\n\\r\\xff'")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stderr.rstrip("\n").isprintable()


@pytest.mark.parametrize("closed", ["2>&-", "<&- >&- 2>&-"])
def test_closed_streams_end_nothing(closed: str, tmp_path: Path) -> None:
    toys = ["evaluator=custom", "evaluator._target_=toy.Toy", "search.workers=1"]
    code = f"import nas.cli; nas.cli.main({['search', 'run=r', *toys, 'search.trials=2']!r})"
    environment = {**os.environ, "PYTHONPATH": str(Path(toy.__file__).parent)}
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" -c "$1" {closed}', sys.executable, code],
        cwd=tmp_path,
        env=environment,
        check=False,
    )
    assert done.returncode == 0
    assert len((tmp_path / "r/trials.csv").read_text().splitlines()) == 3
