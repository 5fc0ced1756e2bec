"""`nas-search explain`: a sheet of images by networks."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nas.cli import main
from nas.explain.sheet import SIDE
from pictures import picture
from search_spaces.ends import Head
from trained_folders import trained_folder

QUICK = ["device=cpu", "threads=1"]
CLASSES = ("ant", "bee", "cat")


@pytest.fixture(autouse=True)
def _networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    trained_folder(Path("b0"), CLASSES)
    trained_folder(Path("b1"), CLASSES[::-1], head=Head(kind="pooled_norm"), side=24, seed=1)
    Path("in").mkdir()
    for seed, size in enumerate([(40, 30), (300, 20), (10, 90)]):
        picture(seed, *size).save(f"in/{seed}.png")


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as caught:
        main(["explain", *QUICK, *arguments])
    assert caught.value.code == 2
    *_, line = capsys.readouterr().err.splitlines()
    return line.removeprefix("nas-search: ")


def test_every_image_is_shown_as_every_network_sees_it(capsys: pytest.CaptureFixture[str]) -> None:
    main(["explain", "b0", "b1", "images=in", *QUICK, "--out", "deep/sheet.png"])
    said = capsys.readouterr()
    assert said.out == (
        "written to deep/sheet.png: 3 images by 2 networks; Grad-CAM, not exact, for b1\n"
    )
    assert said.err == ""
    with Image.open("deep/sheet.png") as page:
        assert page.width > 3 * SIDE
        assert page.height > 3 * SIDE
        pixels = np.asarray(page.convert("RGB"), np.int64)
    # The two networks see different things in the same image.
    first, second = (pixels[40:250, left : left + SIDE] for left in (244, 478))
    assert not np.array_equal(first, second)


def test_maps_of_one_class_are_drawn_where_it_is_named() -> None:
    main(["explain", "b0", "images=in/0.png", *QUICK, "class=bee", "out=bee.png"])
    main(["explain", "b0", "images=in/0.png", *QUICK, "class=cat", "out=cat.png"])
    assert Path("bee.png").read_bytes() != Path("cat.png").read_bytes()


def test_what_is_left_out_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    Path("in/0.png").write_bytes(b"\x89PNG\r\n\x1a\nno more of it")
    main(["explain", "b0", "images=in", "most=2", *QUICK])
    first, second = capsys.readouterr().err.splitlines()
    assert first == "explain: the first 2 of 3 images; most=… shows more"
    assert second.startswith("explain: 1 of 2 images cannot be decoded: in/0.png: ")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["b0", "images=in", "class=dog"], "class: b0 does not know dog; it knows ant, bee, cat"),
        (["b0", "images=in", "out=cam.jpg"], "out: expected a file ending in .png, got cam.jpg"),
        (["b0", "b7", "images=in"], "weights[1]: b7: no such file or folder"),
        (["b7", "images=in"], "weights: b7: no such file or folder"),
        (["b0", "images=in", "out=b0/weights.safetensors/x.png"], "out: b0/weights.safetensors is"),
        (["images=in"], "weights: missing"),
        (["b0", "images=in/none.png"], "images: no such file or folder: in/none.png"),
        (["b0", "images=b0/weights.safetensors"], "images: 1 of 1 image cannot be decoded"),
    ],
    ids=lambda each: each[-1] if isinstance(each, list) else "",
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refusal(capsys, *arguments).startswith(expected)
    assert not list(Path().glob("*.png"))
