"""Files that are made to hang, to fill the memory, to write elsewhere: a line each, at once."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fuzz.yaml_mutations import BOMB
from nas.cli import main

STAGES = "stages: [{channels: 8}]\n"

FILES: dict[str, tuple[str | Callable[[Path], object], str]] = {
    "an alias bomb": (f"{BOMB}name: *k\n{STAGES}", "line 6: more than 100,000 keys and values"),
    "an alias of itself": (f"name: &a [*a]\n{STAGES}", "line 1: the alias *a"),
    "many repeats": (
        "stages: [{channels: 8, repeats: 100000000}]",
        "stages[0].repeats: expected at most 10000, got 100000000",
    ),
    "many layers": (
        "stages:\n" + "- {channels: 8, repeats: 9999}\n" * 2,
        "stages: expected at most 10000 layers in all, got 19998",
    ),
    "many stages": ("stages:\n" + "- {channels: 8}\n" * 300_000, "larger than 4,194,304 bytes"),
    "many short stages": ("stages:\n" + "- {channels: 8}\n" * 100_000, "line 33334: more than"),
    "some stages": ("stages:\n" + "- {channels: 8}\n" * 1001, "expected at most 1000, got 1001"),
    "zeros for ever": (lambda path: path.symlink_to("/dev/zero"), "is a device or a pipe"),
    "a pipe": (os.mkfifo, "is a device or a pipe"),
    "a folder": (Path.mkdir, "is a folder"),
    "no day of any month": ("2001-99-99", "expected a mapping of Arch fields, got '2001-99-99'"),
    "no integer": ("stages: !!int foo", "line 1: not YAML of plain data: the tag"),
    "5,000 digits": (f"{STAGES}resolution: {'9' * 5000}", "line 2: '9999"),
    "a key of 5,000 digits": (f"{'9' * 5000}: 1", "line 1: '9999"),
    "nesting": ("a: " + "[" * 10_000 + "]" * 10_000, "line 1: more than 40 lists inside each"),
    "nested mappings": ("{a: " * 10_000, "line 1: more than 40 lists inside each other"),
    "no UTF-8": (lambda path: path.write_bytes(b"name: caf\xe9"), "not UTF-8 text"),
    "a list as key": ("? [a]\n: b", "line 1: expected a word or a number as key"),
    "another folder": (f"name: ../../../../ESC\n{STAGES}", "name: expected printable letters"),
    "an absolute name": (f"name: /tmp/ESC\n{STAGES}", "name: expected printable letters"),
    "a hidden name": (f"name: .bashrc\n{STAGES}", "name: expected one that begins with no dot"),
    "a long name": (f"name: {'x' * 300}\n{STAGES}", "name: expected at most 160 bytes"),
    "a name that clears the screen": (f'name: "\\e[2J"\n{STAGES}', r"got '\x1b[2J'"),
    "a key that clears the screen": ('"\\e[2J": 1', r"unknown field '\x1b[2J'"),
}


def refused(capfd: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What a call that ends with exit code 2 prints, which is one line."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    printed = capfd.readouterr()
    assert printed.out == ""
    assert printed.err.rstrip("\n").isprintable()
    assert len(printed.err) < 500
    return printed.err


@pytest.mark.parametrize("verb", [["cost", "a.yaml"], ["scale", "baseline=a.yaml", "width=1.1"]])
@pytest.mark.parametrize("name", FILES)
def test_a_hostile_network_is_refused_on_a_line_and_nothing_is_written(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    name: str,
    verb: list[str],
) -> None:
    content, message = FILES[name]
    folder = tmp_path / "a" / "b" / "c" / "d" / "e"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    if isinstance(content, str):
        Path("a.yaml").write_text(content)
    else:
        content(Path("a.yaml"))
    line = refused(capfd, *verb)
    assert line.startswith("nas-search: a.yaml: ")
    assert message in line
    assert [path.name for path in folder.iterdir()] == ["a.yaml"]
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("name", ["an alias bomb", "many short stages", "zeros for ever", "a pipe"])
def test_a_hostile_network_takes_neither_time_nor_memory(tmp_path: Path, name: str) -> None:
    content, _ = FILES[name]
    if isinstance(content, str):
        (tmp_path / "a.yaml").write_text(content)
    else:
        content(tmp_path / "a.yaml")
    code = (
        "import resource\n"
        "resource.setrlimit(resource.RLIMIT_CPU, (20, 20))\n"
        "resource.setrlimit(resource.RLIMIT_AS, (500 * 2**20,) * 2)\n"
        "from nas.cli import main\n"
        "main(['cost', 'a.yaml'])"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stderr.startswith("nas-search: a.yaml: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["width=1e9"], "width: expected a multiplier of at most 1000000, got 1000000000"),
        (["width=800"], "depth × 1, width × 800, 224 px: channels: expected at most 1000000"),
        (["depth=1e300"], "depth: expected a multiplier of at most 10000, got 1e+300"),
        (["depth=900"], "depth × 900, width × 1, 224 px: stages: expected at most 10000 layers"),
        (
            ["resolution=1000000"],
            "depth × 1, width × 1, 1000000 px: resolution: expected at most 65536, got 1000000",
        ),
        (
            ["coefficients=formula", "alpha=1.2", "beta=1.1", "gamma=1.15", "phis=[1,50]"],
            "phis: 50: depth: expected a multiplier of at most 10000, got ",
        ),
    ],
)
def test_a_network_scaled_too_far_blames_the_multiplier(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    settings: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    line = refused(capfd, "scale", "baseline=efficientnet_b0", *settings)
    assert line.startswith(f"nas-search: {message}")
    assert list(tmp_path.iterdir()) == []


def test_names_of_files_do_not_command_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a\x1b[2J.yaml").write_text(STAGES)
    main(["cost", "a\x1b[2J.yaml"])
    printed = capfd.readouterr().out
    assert r"a\x1b[2J.yaml" in printed
    assert "\x1b" not in printed
    assert r"b\x1b[2J.yaml: no such file" in refused(capfd, "cost", "b\x1b[2J.yaml")


def test_odd_names_name_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.yaml").write_text(f"name: Réseau n° 漢字\n{STAGES}")
    main(["scale", "baseline=a.yaml", "width=2"])
    assert Path("results/a/scaled/Réseau n° 漢字_w2.yaml").is_file()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["export", "efficientnet_b0", "--format", "onnx", "weights=~none/w"], "weights: "),
        (["export", "network=~none/b0", "--format", "onnx"], "network: "),
        (["evaluate", "weights=~none/w"], "weights: "),
        (["search", "data=imagefolder", "data.path=~none/pets", "run=r"], "data.path: "),
        (
            ["search", "cost=latency", "latency_table=~none/t.yaml", "reward.target=9"],
            "~none/t.yaml",
        ),
    ],
)
def test_the_home_of_a_user_that_there_is_not_is_no_such_file(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert ended.value.code == 2
    assert said in line
    assert "RuntimeError" not in line
    assert list(tmp_path.iterdir()) == []
