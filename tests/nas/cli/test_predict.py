"""`nas-search predict`: a row for every image, whatever became of it."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from nas.cli import main
from nas.networks.model import Network
from nas.training.transforms import EvalTransform
from pictures import picture
from trained_folders import trained_folder

QUICK = ["device=cpu", "threads=1"]
CLASSES = ("ant", "bee", "cat")


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def network() -> Network:
    return trained_folder(Path("b0"), CLASSES)


def photos(*names: str) -> None:
    for seed, name in enumerate(names):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        picture(seed, 40, 30).save(name, "png")


def predicted(*arguments: str, out: str = "predictions.csv") -> list[dict[str, str]]:
    main(["predict", "b0", *QUICK, *arguments])
    return rows(out)


def rows(path: str) -> list[dict[str, str]]:
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as caught:
        main(["predict", *QUICK, *arguments])
    assert caught.value.code == 2
    *_, line = capsys.readouterr().err.splitlines()
    return line.removeprefix("nas-search: ")


def test_an_image_is_named_as_its_network_sees_it(network: Network) -> None:
    photos("photo.png")
    (row,) = predicted("images=photo.png")
    see = EvalTransform(side=16, crop_pct=0.875)
    pixels = torch.from_numpy(see(picture(0, 40, 30), np.random.default_rng(0)).copy())
    mean, std = torch.tensor([120.0, 115.5, 100.0]), torch.tensor([60.0, 61.0, 62.5])
    with torch.inference_mode():
        expected = network(((pixels - mean) / std).permute(2, 0, 1)[None]).softmax(1)[0]
    assert row["class"] == CLASSES[int(expected.argmax())]
    told = {row["class"]: row["probability"]}
    told |= {row[f"class_{i}"]: row[f"probability_{i}"] for i in (2, 3)}
    for name, probability in zip(CLASSES, expected.tolist(), strict=True):
        assert float(told[name]) == pytest.approx(probability, abs=2e-6)
    assert row["error"] == ""


@pytest.mark.usefixtures("network")
def test_folders_are_walked_to_their_end() -> None:
    photos("in/b.png", "in/deep/er/c.png", "in/a.png", "x.png")
    found = predicted("images=[x.png,in]", "top=1", "batch_size=3")
    assert [row["path"] for row in found] == ["x.png", "in/a.png", "in/b.png", "in/deep/er/c.png"]
    assert list(found[0]) == ["path", "class", "probability", "error"]


@pytest.mark.usefixtures("network")
def test_an_image_that_cannot_be_decoded_has_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    photos("in/a.png", "in/d.png")
    Path("in/b.png").write_bytes(b"\x89PNG\r\n\x1a\nno more of it")
    Path("in/c.heic").write_bytes(b"0000ftypheic")
    Path("in/notes.txt").write_text("nothing to see")
    found = predicted("images=in")
    assert [bool(row["class"]) for row in found] == [True, False, False, True]
    assert all(row["error"].startswith("cannot be decoded: ") for row in found[1:3])
    err = capsys.readouterr().err.splitlines()
    assert err == [
        "predict: in: left out: 1 file that is no image (notes.txt)",
        "predict: 2 of 4 images could not be classified: in/b.png, in/c.heic; predictions.csv "
        "says why",
    ]


@pytest.mark.usefixtures("network")
def test_where_no_image_can_be_decoded_that_is_a_mistake(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("a.jpg").write_text("no image at all")
    line = refusal(capsys, "b0", "images=a.jpg", "--out", "deep/out.csv")
    assert line == "images: none could be classified: a.jpg; deep/out.csv says why"
    assert rows("deep/out.csv")[0]["error"].startswith("cannot be decoded: ")


def test_no_cell_is_a_formula() -> None:
    trained_folder(Path("b0"), ("=1+1", "-2", "@three"))
    photos("=cmd.png", "plain.png")
    found = predicted("images=['=cmd.png',plain.png]", "--out", "o.csv", out="o.csv")
    assert found[0]["path"] == "'=cmd.png"
    names = {found[0][name] for name in ("class", "class_2", "class_3")}
    assert names == {"'=1+1", "'-2", "'@three"}


@pytest.mark.usefixtures("network")
def test_an_image_larger_than_allowed_is_not_decoded() -> None:
    photos("a.png", "b.png")
    picture(0, 400, 300).save("b.png")
    first, second = predicted("images=[a.png,b.png]", "megapixels=0.1")
    assert first["error"] == ""
    assert "more than megapixels=0.1" in second["error"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["b0", "images=none.jpg"], "images: no such file or folder: none.jpg"),
        (["b0", "images=empty"], "images: empty has no images"),
        (["b0", "images=[]"], "images: expected a path, or several, got none"),
        (["b0", "images=/dev/null"], "images: /dev/null is a device or a pipe; expected an image"),
        (["b0", "images=b0", "out=empty"], "out: empty: expected a file to write"),
        (["b0", "images=a.png", "top=0"], "top: expected an integer of at least 1"),
        (["b0", "images=a.png", "out=a.png/x.csv"], "out: a.png is a file; expected a folder"),
        (["a.png", "images=a.png"], "weights: a.png: "),
        (["no", "images=a.png"], "weights: no: no such file or folder"),
        (["b0"], "images: missing"),
    ],
    ids=lambda each: each[-1] if isinstance(each, list) else "",
)
@pytest.mark.usefixtures("network")
def test_a_mistake_is_one_line_and_leaves_nothing(
    arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    photos("a.png")
    Path("empty").mkdir()
    assert refusal(capsys, *arguments).startswith(expected)
    assert not Path("predictions.csv").exists()


@pytest.mark.usefixtures("network")
def test_the_terminal_shows_as_many_classes_as_the_table(
    capsys: pytest.CaptureFixture[str],
) -> None:
    photos("in/a.png", "in/b.png")
    found = predicted("images=in", "top=2")
    header, *lines = capsys.readouterr().out.splitlines()
    assert header.split() == ["path", "class", "probability", "class_2", "probability_2"]
    assert list(found[0]) == [*header.split(), "error"]
    for row, line in zip(found, lines[:2], strict=True):
        path, first, most, second, next_most = line.split()
        assert (path, first, second) == (row["path"], row["class"], row["class_2"])
        assert float(most) == pytest.approx(float(row["probability"]), abs=6e-5)
        assert float(next_most) == pytest.approx(float(row["probability_2"]), abs=6e-5)


def test_of_a_run_folder_its_trained_networks_are_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    photos("photo.png")
    Path("r").mkdir()
    Path("r/config.yaml").write_text("study: r\n")
    line = refusal(capsys, "r", "images=photo.png")
    assert line == "weights: r is a run folder; no network is trained in it"
    for name in ("b0", "b1"):
        trained_folder(Path("r/trained", name), CLASSES)
    line = refusal(capsys, "r", "images=photo.png")
    named = "r/trained/b0, r/trained/b1"
    assert line == f"weights: r is a run folder; expected one of its networks: {named}"
