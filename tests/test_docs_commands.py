"""Every `nas-search …` line of the documentation is composed, and run where it can be."""

import re
from pathlib import Path

import pytest

from documented import arguments, compose, furnish, with_budget
from markdown_pages import DOCS, PAGES, ROOT, commands, name_of
from nas.cli import main
from nas.cli.reference import run_folder
from search_spaces.errors import UserError

QUICK = ("data.limit=200", "evaluator.epochs=1", "evaluator.width=0.1", "evaluator.resolution=32")
ALONE = ("executor=local", "workers=1")
SHORT = ("recipe.epochs=1", "recipe.batch_size=64", "resolution=32", "threads=1")
BUDGETS = {
    "search": (*QUICK, "search.trials=2", "search.workers=1"),
    "sweep": (*QUICK, *ALONE, "sweep.budget=3", "sweep.step=0.1"),
    "train": SHORT,
    "run": (
        *QUICK,
        "search.trials=2",
        "search.workers=1",
        "sweep.budget=3",
        "sweep_executor=local",
        "workers=1",
        "phis=[1]",
    ),
}
"""What makes a verb's command small enough for a test."""

NOT_RUN = {
    "tutorials/photos.md": ("weights=hf-hub:",),  # the hub
}
"""Commands of the tutorials that need what a test has not."""

DIGITS = DOCS / "tutorials" / "digits.md"
PHOTOS = DOCS / "tutorials" / "photos.md"


@pytest.fixture
def _furnished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    furnish(tmp_path / "home")


@pytest.mark.usefixtures("_furnished")
@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=name_of)
def test_every_command_is_understood(page: Path) -> None:
    mistakes = []
    for command in commands(page):
        try:
            compose(command)
        except UserError as error:
            mistakes.append(f"{command}: {error}")
    assert mistakes == []


@pytest.mark.usefixtures("_furnished")
@pytest.mark.parametrize("page", [DIGITS, PHOTOS], ids=name_of)
def test_a_tutorial_runs_from_start_to_end(page: Path) -> None:
    for run in Path("results").iterdir():
        run.rename(f"{run}-before")
    left_out = NOT_RUN.get(page.relative_to(DOCS).as_posix(), ())
    for command in commands(page):
        if not any(reason in command for reason in left_out):
            main(with_budget(command, *BUDGETS.get(arguments(command)[0], ())))
    run = Path("results", "digits" if page == DIGITS else "pets")
    left = ("baseline.yaml", "constants.yaml", "family/b7.yaml", "dashboard.html")
    assert [file for file in left if not (run / file).exists()] == []
    assert (run / "trained/b0/weights.safetensors").exists()
    assert [file for file in map(str, files_of(run)) if not is_told(file)] == []
    for table in run.glob("*.csv"):
        header = table.read_text("utf-8").splitlines()[0].split(",")
        told = run_folder()["tables"][table.name]["columns"]
        assert [name for name in header if name not in told and not CHOICE.fullmatch(name)] == []


CHOICE = re.compile(r"s\d+_\w+")
"""The columns of a space's choices, as in `s0_kernel`."""


def files_of(run: Path) -> list[Path]:
    return [path.relative_to(run) for path in run.rglob("*") if path.is_file()]


def is_told(file: str) -> bool:
    """Whether the reference says of a run folder's file what it is."""
    left = run_folder()
    for name in (*left["files"], *left["records"], *left["tables"]):
        pattern = re.sub(r"<\w+>", "[^/]+", re.escape(name).replace(r"\<", "<").replace(r"\>", ">"))
        if re.fullmatch(pattern + ".*" * name.endswith("/"), file):
            return True
    return False


def test_what_the_first_page_shows_is_what_a_tutorial_runs() -> None:
    shown = [*commands(ROOT / "README.md"), *commands(DOCS / "tutorials" / "index.md")]
    assert [command for command in shown if command not in commands(PHOTOS)] == []


TRAINS_NOTHING = ("scale", "ablate", "cost", "zoo", "dashboard")
NETWORKS = ("efficientnet_b0", "mobilenet_v1", "mobilenet_v2", "resnet50")
FREE = [
    (page, command)
    for page in PAGES
    for command in commands(page)
    if arguments(command)[0] in TRAINS_NOTHING
    and not any(word in command for word in ("train=true", "parts=", "latency", "FILE", "serve"))
]


@pytest.mark.usefixtures("_furnished")
@pytest.mark.parametrize("command", sorted({command for _, command in FREE}))
def test_a_command_that_trains_nothing_runs(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(arguments(command))
    assert capsys.readouterr().out


TOY = ("evaluator=custom", "evaluator._target_=toy.Toy")
ON_DIGITS = [
    command
    for page in sorted((DOCS / "how-to").glob("*.md"))
    for command in commands(page)
    if arguments(command)[0] in ("search", "sweep", "ablate")
    and (page, command) not in FREE
    and not any(
        word in command
        for word in (
            "data=",  # of images
            "evaluator",  # chosen, for what toys have not
            "experiment=",
            "storage=",
            "latency",  # a table
            "parts=",  # a recipe
            "my_",
            "start_from=[",
            "--from-csv",
        )
    )
]
"""Searches, sweeps and ablations on the digits: how accurate a network is comes from a toy."""


@pytest.mark.usefixtures("_furnished")
@pytest.mark.parametrize("command", sorted(set(ON_DIGITS)))
def test_a_command_on_digits_runs(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    verb = arguments(command)[0]
    few = "sweep.seeds=1" if "sweep=grid" in command else "sweep.budget=3"
    small = {
        "search": ("search.trials=2", "search.workers=1"),
        "sweep": (*ALONE, few, "sweep.step=0.1"),
        "ablate": ALONE,
    }
    main(with_budget(command, *TOY, *small[verb], "run=fresh"))
    assert capsys.readouterr().out
