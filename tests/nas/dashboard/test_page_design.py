"""Pages as people use them: on a telephone, in the dark, by keyboard, for a paper."""

import re
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import run_folder
from devtools import DevTools, devtools
from nas.bench.page import bench_page
from nas.bench.runs import Result
from nas.bench.simulate import Step
from nas.bench.summary import summarise
from nas.dashboard.html import Markup, element, table
from nas.dashboard.latency_page import write_page
from nas.dashboard.page import Panel, Section, render_page
from nas.dashboard.write import write_dashboard
from nas.networks.cost import cost
from nas.proxies.page import Check, check_page
from nas.proxies.report import accuracies, baselines, verdict
from nas.searches.rewards import Soft
from nas.trainings.record import TrainingRecord
from scaling_search.rule.compound import COMPOUND
from search_spaces.arch import Arch
from search_spaces.zoo import zoo
from trained_folders import write_confusion, write_trained

WIDTHS = (390, 1280, 1920)
FAULTS = (
    "overlapping", "clipped", "lowContrast", "unnamed", "headings", "withoutTable",
    "focusableInImages",
)  # fmt: skip
PAPER_MM = 174


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevTools]:
    with devtools(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = run_folder.write_run(tmp_path_factory.mktemp("runs") / "pets")
    write_confusion(write_trained(run))
    return write_dashboard(run, COMPOUND)


def sound(report: dict[str, Any]) -> None:
    assert {name: report[name] for name in FAULTS} == {name: [] for name in FAULTS}
    assert report["overflow"] <= 0
    assert report["blank"] == 0


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_a_page_is_read_at_any_width_light_or_dark(
    browser: DevTools, page: Path, width: int, dark: bool
) -> None:
    report = browser.audited(page, width=width, dark=dark)
    assert (report["width"], report["dark"]) == (width, dark)
    assert report["paper"] == ("rgb(20, 24, 29)" if dark else "rgb(255, 255, 255)")
    assert report["drawn"] == 15
    sound(report)
    assert browser.console == []


def test_no_figure_scrolls_sideways_on_a_telephone(browser: DevTools, page: Path) -> None:
    report = browser.audited(page, width=390, dark=False)
    figures = set(re.findall(r'<div id="([^"]+)" class="plot"', page.read_text("utf-8")))
    assert figures
    assert not figures & set(report["scrolling"])
    assert "The baseline, stage by stage" not in report["scrolling"]


def a_bench() -> str:
    results = [
        Result(
            sampler,
            "",
            seed,
            tuple(Step(n, 0.9 - 0.1 / (n + seed), 0.8, 0.85, 0.002) for n in range(1, 13)),
        )
        for sampler in ("cost_aware", "random_with_a_long_name")
        for seed in (1, 2, 3)
    ]
    rows = summarise(results, 0.9, (4, 12))
    return bench_page(results, rows, 0.9, {"space": "small", "target": "55,398,900"}, False)


def a_check() -> str:
    archs = [zoo("efficientnet_b0").replace(resolution=200 + 8 * n) for n in range(12)]
    trained = [
        TrainingRecord(
            evaluator=proxy,
            arch=arch,
            seed=0,
            state="finished",
            accuracy=0.5 + 0.01 * (n + jitter * (n % 3)),
            curve=(0.1 + 0.001 * (7 * n % 5), 0.5 + 0.01 * n),
            processor_seconds=seconds,
        )
        for proxy, jitter, seconds in (("short", 2, 1.0), ("a_long_name", 1, 2.0), ("dear", 0, 9.0))
        for n, arch in enumerate(archs)
    ]
    true = accuracies(trained, "dear")
    proxies = ("short", "a_long_name", "dear")
    found = Check(
        archs=archs,
        space="resolutions",
        proxied={name: accuracies(trained, name) for name in proxies},
        truth=true,
        reference="dear",
        about=dict.fromkeys(proxies, "digits, 1437 training images, 32 px, 1 epoch, 1 seed"),
        verdicts=[verdict(name, trained, archs, true, rewarded) for name in proxies],
        baselines=baselines(archs, true, rewarded),
    )
    return check_page(found)


def rewarded(arch: Arch, accuracy: float) -> float:
    return Soft(400e6)(accuracy, cost(arch).macs)


def a_latency(path: Path) -> None:
    rows = [
        {"network": f"family/b{n}.yaml", "macs": 4e8 * 1.4**n, "params": 5e6 * 1.3**n,
         "median_ms": 20 * 1.4**n, "lower_quartile_ms": 19 * 1.4**n,
         "upper_quartile_ms": 22 * 1.4**n}
        for n in range(8)
    ]  # fmt: skip
    write_page(path, rows, {"device": "cpu", "torch": "2.13", "settings": {"batch_size": 1}})


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_other_pages_are_read_at_any_width(
    browser: DevTools, tmp_path: Path, dark: bool
) -> None:
    (tmp_path / "bench.html").write_text(a_bench(), "utf-8")
    (tmp_path / "check.html").write_text(a_check(), "utf-8")
    a_latency(tmp_path / "latency.html")
    for name, drawn in (("bench", 1), ("check", 4), ("latency", 2)):
        for width in WIDTHS:
            report = browser.audited(tmp_path / f"{name}.html", width=width, dark=dark)
            assert report["drawn"] == drawn
            sound(report)


def test_the_audit_sees_what_it_is_to_see(browser: DevTools, tmp_path: Path) -> None:
    import plotly.graph_objects as go

    note = {"x": 0.5, "y": 0.5, "xref": "paper", "yref": "paper", "showarrow": False}
    pale = {"size": 14, "color": "#dddddd"}
    figure = go.Figure(
        layout={
            "height": 300,
            "annotations": [
                {**note, "text": "one name"},
                {**note, "text": "another", "font": pale},
                {**note, "x": 1.0, "xanchor": "left", "text": "beyond the edge of the figure"},
            ],
        }
    )
    figure.add_scatter(x=[0, 1], y=[0, 1], mode="text", text=["", "cut by the axes"])
    figure.update_xaxes(range=[0, 1])
    panel = Panel(id="bad", title="Bad", figure=figure)
    header = element("header", element("h1", "T"), element("h4", "deep"), element("td", ""))
    path = tmp_path / "bad.html"
    text = render_page("bad", header, [Section("s", "S", [panel])], Markup(""))
    wide = '<div style="width: 2000px; color: #eee">pale</div><button></button></main>'
    path.write_text(text.replace("</main>", wide), "utf-8")
    report = browser.audited(path, width=1280, dark=False)
    assert report["overlapping"] == ["bad: one name / another"]
    assert "bad: beyond the edge of the figure" in report["clipped"]
    assert [said.partition(":")[0] for said in report["lowContrast"]] == ["pale", "bad, another"]
    assert report["overflow"] > 0
    assert report["headings"] == ["deep"]
    assert report["withoutTable"] == ["bad"]
    assert len(report["unnamed"]) == 1


def test_figures_are_saved_at_the_width_of_a_paper(
    browser: DevTools, page: Path, tmp_path: Path
) -> None:
    browser.open(page, width=390, dark=True)
    browser.command("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    for format_ in ("PNG", "SVG"):
        press(browser, f"Download Choices of the best tenth as {format_}")
    png = awaited(tmp_path / "pets-choices.png")
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, _height = struct.unpack(">II", png[16:24])
    assert png[37:41] == b"pHYs"
    per_metre, _, unit = struct.unpack(">IIB", png[41:50])
    assert unit == 1
    assert 1000 * width / per_metre == pytest.approx(PAPER_MM, abs=0.5)
    svg = awaited(tmp_path / "pets-choices.svg").decode()
    said = re.search(r'<svg[^>]* width="([\d.]+)mm"', svg)
    assert said
    assert float(said[1]) == pytest.approx(PAPER_MM, abs=0.5)
    assert "stage 6" in svg
    # In light colours, on white, however the page is looked at.
    assert "rgb(20, 24, 29)" not in svg
    assert "rgb(255, 255, 255)" in svg
    assert browser.console == []


def press(browser: DevTools, name: str) -> None:
    """Click the button of this name."""
    found = f"[...document.querySelectorAll('button')].find((b) => b.ariaLabel === {name!r})"
    browser.evaluate(f"{found}.click()")


def awaited(path: Path) -> bytes:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, f"{path.name} was not saved"
        time.sleep(0.1)
    return path.read_bytes()


def test_tables_are_copied_as_csv_and_latex(browser: DevTools, tmp_path: Path) -> None:
    rows = [["B_1 & co", "5\u2009288\u2009548", "93.1 ± 0.2"], ['said "x", then', "", "–"]]
    shown = table(["network", "params", "α^2 (%)"], rows, name="The networks")
    panel = Panel(id="networks", title="The networks", table=shown, open_table=True)
    path = tmp_path / "table.html"
    path.write_text(render_page("t", element("h1", "t"), [Section("s", "S", [panel])], Markup("")))
    browser.open(path, width=1280)
    assert copied(browser, "CSV") == (
        'network,params,α^2 (%)\nB_1 & co,5288548,93.1 ± 0.2\n"said ""x"", then",,\n'
    )
    assert copied(browser, "LaTeX").splitlines() == [
        r"\begin{tabular}{lrr}",
        r"\toprule",
        r"network & params & $\alpha$\textasciicircum{}2 (\%) \\",
        r"\midrule",
        r"B\_1 \& co & 5\,288\,548 & 93.1 $\pm$ 0.2 \\",
        r'said "x", then & -- & -- \\',
        r"\bottomrule",
        r"\end{tabular}",
    ]
    assert browser.evaluate("document.getElementById('status').textContent").startswith("Copied")


def copied(browser: DevTools, kind: str) -> str:
    """What a button leaves on the clipboard."""
    permissions = ["clipboardReadWrite", "clipboardSanitizedWrite"]
    browser.command("Browser.grantPermissions", permissions=permissions)
    browser.command("Page.bringToFront")
    press(browser, f"Copy The networks as {kind}")
    time.sleep(0.3)
    return str(browser.evaluate("navigator.clipboard.readText()"))


def test_a_keyboard_reaches_the_figures_first_and_shows_where_it_is(
    browser: DevTools, page: Path
) -> None:
    browser.open(page, width=1280)
    key = {"key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}
    browser.command("Input.dispatchKeyEvent", type="keyDown", **key)
    focus = "document.activeElement"
    said = f"[{focus}.textContent, getComputedStyle({focus}).outlineStyle]"
    assert browser.evaluate(said) == ["To the figures", "solid"]
    assert browser.evaluate("document.activeElement.getBoundingClientRect().left") > 0
    for landmark in ("header", "nav", "main", "footer"):
        assert browser.evaluate(f"document.querySelectorAll('body > {landmark}').length") == 1


def test_figures_follow_a_browser_that_turns_dark(browser: DevTools, page: Path) -> None:
    ink = "getComputedStyle(document.querySelector('#progress .ytitle')).fill"
    browser.open(page, width=1280)
    assert browser.evaluate(ink) == "rgb(28, 33, 39)"
    scheme = {"name": "prefers-color-scheme", "value": "dark"}
    browser.command("Emulation.setEmulatedMedia", features=[scheme])
    browser.evaluate("new Promise((done) => setTimeout(done, 1000))")
    assert browser.evaluate(ink) == "rgb(230, 233, 238)"
