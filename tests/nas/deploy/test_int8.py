"""A network in int8: what is reported of it is what another program measures."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from PIL import Image

from nas.cli import main
from nas.data.dataset import splits
from nas.data.sources import Digits
from nas.data.training_splits import training_splits
from nas.defaults.conf import settings
from nas.deploy.int8 import fragile
from nas.networks.trained import read_card
from nas.statistics.intervals import paired_difference
from nas.verbs.int8_export import _advice
from search_spaces.arch import Arch
from search_spaces.ends import Head, Stem
from search_spaces.space import load_space
from search_spaces.stage import Stage
from search_spaces.yaml_io import write_arch
from search_spaces.zoo import zoo

WIDE = Arch(
    name="wide",
    resolution=16,
    activation="relu6",
    stem=Stem(channels=16),
    stages=(Stage(channels=64, stride=2, expand=3), Stage(channels=128, stride=2, expand=4)),
    head=Head(channels=512),
)
DATA = ["data=digits", "data.limit=600", "calibration=64"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    write_arch(WIDE, folder / "wide.yaml")
    quick = ["recipe.epochs=12", "recipe.minival=0.25", "threads=1", "data.limit=600"]
    main(["train", str(folder / "wide.yaml"), f"run={folder}", *quick])
    return folder / "trained" / "wide"


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def accuracy(file: str, weights: Path) -> float:
    """What a loop of ONNX Runtime alone measures on the images that the training held out."""
    card = read_card(weights / "weights.safetensors")
    held = training_splits(splits(Digits(limit=600)), 0.25, Digits().seed).minival
    assert held is not None
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    right = 0
    for position, label in zip(held.positions.tolist(), held.labels, strict=True):
        image = held.read(position).convert("RGB")
        # The central 16 of 18 pixels, of digits of 8.
        box = (8 / 18, 8 / 18, 8 * 17 / 18, 8 * 17 / 18)
        pixels = np.asarray(image.resize((16, 16), Image.Resampling.BICUBIC, box), np.float32)
        normal = (pixels - np.float32(card.mean)) / np.float32(card.std)
        (logits,) = session.run(None, {"images": normal.transpose(2, 0, 1)[None].copy()})
        right += int(logits[0].argmax() == label)
    return right / len(held)


def noted(file: str) -> dict[str, Any]:
    """What the file says of itself."""
    (entry,) = (p for p in onnx.load(file).metadata_props if p.key == "nas_search")
    told: dict[str, Any] = json.loads(entry.value)
    return told


def test_both_accuracies_are_those_of_another_loop_and_the_file_is_a_third(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["export", str(trained), "--format", "onnx", "out=float.onnx"])
    main(["export", str(trained), "--format", "int8", *DATA])
    said, told = capsys.readouterr().out, noted("wide_int8.onnx")
    assert told["float32"]["value"] == accuracy("float.onnx", trained) > 0.5
    assert told["int8"]["value"] == accuracy("wide_int8.onnx", trained)
    difference = told["int8"]["value"] - told["float32"]["value"]
    assert told["difference"]["value"] == pytest.approx(difference)
    assert told["difference"]["low"] <= difference <= told["difference"]["high"]
    for name in ("float32", "int8"):
        each = told[name]
        shown = f"{each['value']:.4f} [{each['low']:.4f}, {each['high']:.4f}]"
        assert f"{name.removesuffix('32')} {shown}" in said
    assert f"difference {difference:+.4f}" in said
    sizes = [Path(file).stat().st_size for file in ("wide_int8.onnx", "float.onnx")]
    assert sizes[0] / sizes[1] <= 0.35
    assert told["classes"] == [str(digit) for digit in range(10)]
    assert told["calibration"] == 64
    assert told["images"] == 150  # a quarter of 600, as the training held out


def test_a_collapse_is_told_with_a_space_for_those_that_are_known_to(
    trained: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nas.deploy.int8.COLLAPSE", -1.0)  # any change is one
    main(["export", str(trained), "--format", "int8", *DATA, "validation=20"])
    *_, last = capsys.readouterr().out.splitlines()
    assert last.endswith("try more images, with calibration=…")
    said = _advice(fragile(zoo("efficientnet_b0")))
    assert "silu and squeeze-and-excitation are known to collapse in int8" in said
    assert said.endswith("space=deploy_int8 has ReLU6 and no SE")


def test_what_suffers_in_int8_is_named() -> None:
    assert fragile(zoo("efficientnet_b0")) == ("silu", "squeeze-and-excitation")
    assert fragile(zoo("mobilenet_v2")) == ()


def test_no_network_of_the_space_for_int8_suffers() -> None:
    space, rng = load_space(settings("space/deploy_int8"), "space"), random.Random(0)
    for _ in range(50):
        arch = space.decode({each.name: rng.choice(each.options) for each in space.choices})
        assert fragile(arch) == ()
        assert arch.activation == "relu6"


def test_the_interval_of_a_paired_difference() -> None:
    found = paired_difference(10, 2, 100)
    assert found.value == pytest.approx(0.08)
    # Bonett and Price: p = (n + 1) / (N + 2), z √((p₁ + p₂ − (p₁ − p₂)²) / (N + 2)).
    assert (found.low, found.high) == pytest.approx((0.00816, 0.14870), abs=1e-5)
    assert paired_difference(0, 0, 50).low < 0 < paired_difference(0, 0, 50).high


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["TRAINED", "--format", "int8"], "data: expected the images that the network was trained"),
        (["efficientnet_b0", "--format", "int8", "data=digits"], "weights: expected those that"),
        (["TRAINED", "--format", "int8", *DATA, "dynamic=sise"], "dynamic: got 'sise'"),
        (
            ["TRAINED", "--format", "timm", "dynamic=size"],
            "dynamic: expected batch for format=timm",
        ),
        (["TRAINED", "--format", "onnx", "data=digits"], "data: expected null without supernet"),
        (["TRAINED", "--format", "int8", "data=digits", "calibration=0"], "calibration: expected"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    given: list[str], expected: str, trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    with pytest.raises(SystemExit) as stopped:
        main(["export", *(str(trained) if each == "TRAINED" else each for each in given)])
    printed = capsys.readouterr()
    assert stopped.value.code == 2
    assert expected in printed.err
    assert printed.err.count("\n") == 1
    assert list(Path().iterdir()) == []
