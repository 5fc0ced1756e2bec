"""What a shell offers after `nas-search`, in a real bash too."""

import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nas.cli import VERBS, main
from nas.cli.completion import words

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _in_a_folder_with_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("photos/cats").mkdir(parents=True)
    Path("b0.yaml").touch()
    Path(".hidden").touch()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("nas-search sw", ["sweep"]),
        ("nas-search search sampler=", ["sampler=cost_aware", "sampler=tpe"]),
        ("nas-search search data", ["data.", "data="]),
        ("nas-search run data=imagefolder data.mi", ["data.mirror="]),
        ("nas-search run data=imagefolder data.mirror=", ["data.mirror=false", "data.mirror=true"]),
        ("nas-search sweep sweep.b", ["sweep.band=", "sweep.budget="]),
        ("nas-search search effort=", ["effort=day", "effort=hour", "effort=minute"]),
        ("nas-search run train.recipe=fi", ["train.recipe=finetune"]),
        ("nas-search run train.recipe=finetune train.recipe.lr", ["train.recipe.lr="]),
        ("nas-search run data=imagefolder data.path=ph", ["data.path=photos/"]),
        ("nas-search train efficientnet_v", ["efficientnet_v2_s"]),
        ("nas-search train b", ["b0.yaml"]),
        ("nas-search cost mobilenetv3", ["mobilenetv3_large_100"]),
        ("nas-search explain photos/", ["photos/cats/"]),
        ("nas-search sweep --pl", ["--plan"]),
        ("nas-search export --out ph", ["photos/"]),
        ("nas-search search --cfg j", ["job"]),
        ("nas-search completion z", ["zsh"]),
        ("cd x && nas-search da", ["dashboard"]),
    ],
)
def test_words_that_fit_are_offered(line: str, offered: list[str]) -> None:
    assert set(offered) <= set(words(line))
    assert all(word.startswith(line.split()[-1]) or line.endswith(" ") for word in words(line))


def test_nothing_is_offered_where_nothing_fits() -> None:
    for line in ("nas-search swoop x", "nas-search search nothing=", "nas-search search 'x"):
        assert words(line) == []
    assert ".hidden" not in words("nas-search train ")
    assert "recipe=short" not in words("nas-search train recipe=")
    assert set(VERBS) <= set(words("nas-search "))


def test_options_of_ones_own_are_offered() -> None:
    Path("mine/space").mkdir(parents=True)
    Path("mine/space/tiny.yaml").write_text("name: tiny\n")
    assert "space=tiny" in words("nas-search search --config-dir mine space=")
    assert "space=tiny" in words("nas-search search --config-dir=mine space=t")


@pytest.mark.parametrize("given", [[], ["tcsh"], ["bash", "zsh"]])
def test_another_shell_is_a_mistake(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["completion", *given])
    assert stopped.value.code == 2
    assert "bash, zsh, fish" in capsys.readouterr().err


def test_completion_needs_no_framework() -> None:
    code = (
        "import sys; from nas.cli.completion import words;"
        "assert words('nas-search run data=pets data.li') == ['data.limit='];"
        "print({'torch', 'hydra', 'omegaconf', 'numpy', 'optuna'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "set()", done.stderr


def bash(keys: str, folder: Path) -> str:
    """What an interactive bash shows after these keys, with `nas-search` on its path."""
    program = folder / "bin" / "nas-search"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m nas.cli "$@"\n')
    program.chmod(0o755)
    process, terminal = pty.fork()
    if process == 0:
        paths = f"{program.parent}:{os.environ['PATH']}"
        settings = {"PATH": paths, "PYTHONPATH": str(ROOT), "PS1": "your turn: ", "TERM": "dumb"}
        os.execve("/bin/bash", ["bash", "--norc", "--noprofile", "-i"], {**os.environ, **settings})
    shown = ""
    plain = re.compile(r"\x1b\[[?0-9;]*[a-zA-Z]")  # what bash tells the terminal of modes
    try:
        for line in ('eval "$(nas-search completion bash)"; echo re""ady\n', keys):
            os.write(terminal, line.encode())
            end = time.monotonic() + 60
            # A line is bash's to edit, and to complete, from its prompt on.
            wanted = "done " if line == keys else "ready\r\nyour turn: "
            shown = ""
            while time.monotonic() < end and wanted not in plain.sub("", shown):
                if select.select([terminal], [], [], 0.2)[0]:
                    shown += os.read(terminal, 4096).decode()
        return shown
    finally:
        os.write(terminal, b"\nexit\n")
        os.waitpid(process, 0)
        os.close(terminal)


def test_a_real_bash_completes_what_is_begun(tmp_path: Path) -> None:
    # Bash takes words apart at =, so each kind of word is tried.
    typed = "nas-search swe\tda\t\x15nas-search run data=imagef\tdata.mi\ttrue done \x01#\n"
    shown = bash(typed, tmp_path)
    assert "nas-search sweep " in shown
    assert "nas-search run data=imagefolder data.mirror=true" in shown


def test_the_documentation_lists_presets_and_exit_codes_as_they_are() -> None:
    import yaml

    from nas.cli.verbs import EXIT_CODES

    text = (ROOT / "docs" / "how-to" / "command-line.md").read_text()
    assert all(f"| {code} | {meaning} |" in text for code, meaning in EXIT_CODES.items())
    presets = [
        yaml.safe_load((ROOT / "conf" / "effort" / f"{name}.yaml").read_text())
        for name in ("minute", "hour", "day")
    ]
    for group, name in (("search", "budget"), ("sweep", "step"), ("sweep", "budget")):
        row = " | ".join(str(preset[group][name]) for preset in presets)
        assert f" | {row} |" in text
