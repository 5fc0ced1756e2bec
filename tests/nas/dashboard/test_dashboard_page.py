"""The page as a browser shows it: whole, offline, and deaf to what names try to do."""

import csv
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import run_folder
from browser import open_page
from devtools import probed
from nas.dashboard.html import Markup, element, table
from nas.dashboard.page import Panel, Section, render_page
from nas.dashboard.write import write_dashboard
from scaling_search.rule.compound import COMPOUND
from search_spaces.errors import UserError

FIGURES = (
    "accuracy-against-macs", "progress", "choices", "estimate", "sweep", "candidates",
    "dimensions", "ways", "effects", "forecast", "growth", "published",
)  # fmt: skip


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dashboard(run_folder.write_run(tmp_path_factory.mktemp("runs") / "pets"), COMPOUND)


def test_the_page_runs_its_own_scripts_and_no_other(page: Path, tmp_path: Path) -> None:
    copy = tmp_path / "page.html"
    foreign = "<script>document.title = 'owned'</script>"
    copy.write_text(page.read_text("utf-8").replace("</body>", foreign + "</body>"), "utf-8")
    dom, console = open_page(copy, tmp_path / "profile")
    assert "<title>pets · nas-search</title>" in dom
    for id_ in FIGURES:
        assert re.search(rf'<div id="{id_}"[^>]*js-plotly-plot', dom), id_
    # The policy speaks up for the foreign script alone.
    assert len(console) == 1
    assert "Content Security Policy" in console[0]


@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_the_page_fits_its_window_and_loads_nothing(page: Path, tmp_path: Path, width: int) -> None:
    report = probed(page, tmp_path, width)
    assert report["drawn"] == len(FIGURES)
    assert report["resources"] == []
    assert report["overflow"] <= 0
    assert report["cut"] == []
    assert all(abs(place - drawn) <= 1 for place, drawn in report["widths"])
    assert any("ir_r1_k" in text for text in report["hovers"])
    assert any("proxy accuracy" in text for text in report["hovers"])


EVIL = "<script>window.owned = 1</script><img src=x onerror='window.owned = 1'>"
LINK = '<a href="https://example.com">click</a>'


def test_names_that_are_markup_stay_text(tmp_path: Path) -> None:
    folder = tmp_path / "<img src=x onerror='window.owned = 1'>"
    run_folder.write_run(folder, 12)
    run_folder.write_config(folder, evaluator={"dataset": EVIL, "images": 3})
    for name in ("trials.csv", "sweep.csv"):
        _spoil(folder / name)
    key = run_folder.TrainingLog(folder / "parts.jsonl").read()[0].key
    arms = [
        {"name": LINK, "plain": plain, "evaluator": evaluator, "key": key}
        for plain, evaluator in (([], "full"), ([EVIL], "plain"))
    ]
    run_folder.write_asked(folder, "parts", parts=[EVIL], seeds=3, arms=arms)
    shutil.copy(folder / "family" / "b1.yaml", folder / "family" / "b<b>9.yaml")
    page = write_dashboard(folder, COMPOUND)
    report = probed(page, tmp_path, 1280)
    assert not report["owned"]
    assert report["resources"] == []
    said = " ".join(report["hovers"])
    assert "window.owned = 1" in said
    assert "<script>" in said
    assert LINK in said


def _spoil(path: Path) -> None:
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["compact"], row["reason"] = EVIL, LINK
        row["file"] = LINK
        if "s1_kernel" in row:
            row["s1_kernel"] = EVIL
    run_folder.write_csv(path, rows)


def test_plotly_is_in_the_page_once_and_nothing_is_linked(page: Path) -> None:
    text = page.read_text("utf-8")
    assert text.count("* plotly.js v") == 1
    head, _, rest = text.partition("<script>")
    body = head + rest[rest.rindex("<script>") :]
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", body)
    assert "<link" not in body
    assert 5_000_000 < len(text.encode()) < 5_500_000


def test_the_page_says_what_was_run(page: Path) -> None:
    text = page.read_text("utf-8")
    for words in (
        "digits, 1437 training images, 24 px, width × 0.125, 8 epochs, 2 seeds",
        "kernel_expand",
        "accuracy · (MACs / 400M)<sup>−0.07</sup>",
        "31 finished, 1 failed",
        "TPESampler",
        "Baseline, proxy accuracy",
        "α\u00a01.18 [1.00,\u00a01.40]",
        "Named, the best candidate&#x27;s α, β, γ, tied with 4 others",
        "Recipe or scaling?",
        "Between all plain and full lie 9.",
        "with proxy accuracies in place of its ImageNet ones",
        "5\u2009288\u2009548",
        "Tan &amp; Le, EfficientNet",
    ):
        assert words in text, words


def test_an_ablation_makes_a_page_by_itself(tmp_path: Path) -> None:
    run_folder.write_ablation(tmp_path, failed=("depth",))
    text = write_dashboard(tmp_path, COMPOUND).read_text("utf-8")
    assert "An ablation over 9 networks." in text
    assert "2 ways failed; the table has why." in text
    run_folder.write_ablation(tmp_path, failed=("baseline", "compound", *run_folder.ALONE))
    text = write_dashboard(tmp_path, COMPOUND).read_text("utf-8")
    assert "9 ways failed, none finished; the last: diverged." in text


def test_a_search_of_failures_says_why(tmp_path: Path) -> None:
    run_folder.write_search(tmp_path, 3, failed=(0, 1, 2))
    text = write_dashboard(tmp_path, COMPOUND).read_text("utf-8")
    assert "3 trials failed, none finished; the last: the loss became NaN in epoch 2." in text


def test_a_folder_without_a_run_is_left_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no run here"):
        write_dashboard(tmp_path, COMPOUND)
    assert list(tmp_path.iterdir()) == []


def test_other_pages_can_be_made_of_panels() -> None:
    panel = Panel(id="regret", title="Regret", caption="a < b", table=table(["<x>"], [["<y>"]]))
    text = render_page("a & b", element("h1", "T"), [Section("s", "S", [panel])], Markup(""))
    assert "<title>a &amp; b</title>" in text
    assert "a &lt; b" in text
    assert "&lt;x&gt;" in text
    assert "&lt;y&gt;" in text


def test_importing_the_package_loads_neither_plotly_nor_pandas() -> None:
    code = "import sys, nas.dashboard; print(*{'plotly', 'pandas', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
