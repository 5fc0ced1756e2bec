"""The page's section of networks that were trained whole."""

import html
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import run_folder
from devtools import probed
from nas.dashboard.frames import load_run
from nas.dashboard.panels import sections
from nas.dashboard.trained import (
    accuracy_against_cost,
    accuracy_against_cost_figure,
    confusion_figure,
)
from nas.dashboard.trained_files import MOST_SHEET, Confusion, read_trained
from nas.dashboard.write import write_dashboard
from nas.networks.trained_header import card_in
from scaling_search.rule.compound import COMPOUND
from search_spaces.errors import UserError
from search_spaces.yaml_io import write_arch
from trained_folders import tiny, write_confusion, write_log, write_trained


def write_sheet(path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (120, 400, 3), np.uint8)
    Image.fromarray(pixels).save(path)


def test_a_run_without_trained_networks_has_no_such_section(tmp_path: Path) -> None:
    run = run_folder.write_run(tmp_path / "pets", 6)
    assert "trained" not in [each.id for each in sections(load_run(run, COMPOUND))]


def test_figures_hold_what_trainings_left(tmp_path: Path) -> None:
    run = run_folder.write_run(tmp_path / "pets", 6)
    write_confusion(write_trained(run))
    write_trained(run, "b1", side=20)
    frames = load_run(run, COMPOUND)
    networks = frames.trained.networks
    assert networks["name"].tolist() == ["b0", "b1"]
    first = networks.iloc[0]
    assert (first["test"], first["test_low"], first["test_high"]) == (0.85, 0.804, 0.889)
    assert (first["pixels"], first["best_epoch"], first["test_images"]) == (16, 2, 269)
    shown = accuracy_against_cost(frames)
    assert shown.expected["forecast"].tolist() == list(run_folder.FORECAST[:2])
    assert shown.published.empty  # the data are not ImageNet
    assert frames.trained.curves["b0"]["minival"].tolist() == pytest.approx([0.85, 0.9, 0.85])
    confusion = frames.trained.confusion
    assert confusion is not None
    assert (confusion.name, confusion.split, confusion.counts[3][3]) == ("b0", "test", 21)
    assert confusion_figure(confusion).data[0].z[3][3] == pytest.approx(100 * 21 / 30)


def test_the_axis_is_what_the_data_are_judged_by(tmp_path: Path) -> None:
    run = run_folder.write_run(tmp_path / "pets", 6)
    write_trained(run, metric="mean_per_class")
    shown = accuracy_against_cost(load_run(run, COMPOUND))
    assert (shown.metric, shown.networks["test"].tolist()) == ("mean_per_class", [0.625])
    figure = accuracy_against_cost_figure(shown)
    assert figure.layout.yaxis.title.text == "mean accuracy per class (%)"


def test_different_metrics_share_no_axis(tmp_path: Path) -> None:
    run = run_folder.write_run(tmp_path / "pets", 6)
    write_trained(run, metric="mean_per_class")
    write_trained(run, "b1", side=20)
    frames = load_run(run, COMPOUND)
    shown = accuracy_against_cost(frames)
    assert (shown.metric, shown.networks["test"].tolist()) == ("accuracy", [0.85, 0.85])
    (section,) = [each for each in sections(frames) if each.id == "trained"]
    panel = next(each for each in section.panels if each.id == "test-accuracy")
    assert "judged by different metrics: drawn is the top-1 accuracy" in str(panel.caption)


def test_imagenet_stands_beside_the_published(tmp_path: Path) -> None:
    run = run_folder.write_run(tmp_path / "pets", 6)
    classes = [str(number) for number in range(1000)]
    folder = write_trained(run, "b1", classes=classes, data={"name": "imagenet"})
    write_arch(tiny(1000), folder / "network.yaml")
    shown = accuracy_against_cost(load_run(run, COMPOUND))
    assert shown.published["top1"].tolist() == [79.1]


def test_a_training_under_way_is_told_with_its_curve(tmp_path: Path) -> None:
    run = tmp_path / "pets"
    write_log(run / "trained" / "b2", 2)
    frames = load_run(run, COMPOUND)
    (section,) = [each for each in sections(frames) if each.id == "trained"]
    assert section.missing is not None
    assert "Not finished: b2 after 2 epochs." in section.missing.text
    assert [panel.id for panel in section.panels] == ["curves"]


@pytest.mark.parametrize("width", [390, 1280])
def test_the_section_fits_its_window(tmp_path: Path, width: int) -> None:
    run = tmp_path / "pets"
    folder = write_trained(run)
    write_confusion(folder)
    write_sheet(folder / "cam.png")
    report = probed(write_dashboard(run, COMPOUND), tmp_path, width)
    # The published networks, too.
    assert report["drawn"] == 4
    assert [each for each in report["resources"] if not each.startswith("data:")] == []
    assert report["overflow"] <= 0
    assert report["cut"] == []
    assert any("test top-1 accuracy 85.0 % [80.4, 88.9]" in text for text in report["hovers"])


def test_long_names_of_classes_leave_the_cells_their_room() -> None:
    names = tuple(f"{'<b>' * 20}{letter}" for letter in "ab")
    figure = confusion_figure(Confusion("b0", "test", names, ((2, 1), (0, 3))))
    for axis in (figure.layout.xaxis, figure.layout.yaxis):
        assert all(len(html.unescape(text)) == 20 for text in axis.ticktext)
        assert "<" not in "".join(axis.ticktext)
    taken_for = html.unescape(figure.data[0].hovertext[0][1])
    assert taken_for == f"{names[0]} taken for {names[1]}"


def test_a_sheet_too_large_for_a_page_is_named(tmp_path: Path) -> None:
    folder = write_trained(tmp_path)
    (folder / "cam.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(MOST_SHEET))
    page = write_dashboard(tmp_path, COMPOUND).read_text("utf-8")
    assert "<code>trained/b0/cam.png</code> is larger than the 3 MiB" in page
    assert '<img src="data:' not in page


def _no_weights(folder: Path) -> None:
    (folder / "weights.safetensors").write_bytes(b"\xff" * 40)


def _cut_short(folder: Path) -> None:
    path = folder / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:60])


def _no_card(folder: Path) -> None:
    (folder / "weights.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")


def _no_picture(folder: Path) -> None:
    (folder / "cam.png").write_text("<svg>")


def _no_log(folder: Path) -> None:
    (folder / "log.jsonl").write_text("[1]\n")


def _uneven(folder: Path) -> None:
    (folder / "test_confusion.csv").write_text("class,a,b\na,1,2\n")


def _words(folder: Path) -> None:
    (folder / "test_confusion.csv").write_text("class,a\na,many\n")


def _empty(folder: Path) -> None:
    (folder / "test_confusion.csv").write_text("")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_no_weights, "weights.safetensors: no safetensors file, or its header has"),
        (_cut_short, "weights.safetensors: no safetensors file that `train` left"),
        (_no_card, "weights.safetensors: its header has no nas_search"),
        (_no_picture, "cam.png: expected an image as PNG"),
        (_no_log, "log.jsonl: line 1: no record of an epoch"),
        (_uneven, "test_confusion.csv: expected a row and a column for each class"),
        (_words, "test_confusion.csv: expected counts of images"),
        (_empty, "test_confusion.csv: expected a row and a column for each class"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_one_line(
    tmp_path: Path, spoil: Any, said: str
) -> None:
    spoil(write_trained(tmp_path))
    with pytest.raises(UserError) as raised:
        read_trained(tmp_path)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_page_is_made_without_torch(tmp_path: Path) -> None:
    folder = write_trained(tmp_path)
    assert card_in(folder / "weights.safetensors")["epochs"] == 3
    program = (
        "import sys; from pathlib import Path; from nas.dashboard.write import write_dashboard; "
        "from scaling_search.rule.compound import COMPOUND; "
        f"write_dashboard(Path({str(tmp_path)!r}), COMPOUND); print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
