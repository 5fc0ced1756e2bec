"""`nas-search evaluate`: the figures of trained networks, and what it refuses."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cards import worth
from nas.cli import main
from nas.data.dataset import digest_of_test, identity
from nas.data.sources import Digits
from nas.networks.model import Network
from nas.networks.trained import WEIGHTS, save_trained
from nas.networks.weights import save_weights
from nas.training.transforms import EvalTransform
from pictures import image_folder
from search_spaces.ends import Head
from search_spaces.yaml_io import write_arch
from trained_folders import DIGITS, card, telling, tiny, trained_folder

QUICK = ["device=cpu", "threads=1"]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def evaluated(*arguments: str, name: str = "b0/test_16px") -> dict[str, Any]:
    main(["evaluate", "b0", *QUICK, *arguments])
    found: dict[str, Any] = json.loads(Path(f"{name}.json").read_text("utf-8"))
    return found


def confusion(path: str) -> list[list[str]]:
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 2) -> str:
    with pytest.raises(SystemExit) as caught:
        main(["evaluate", *QUICK, *arguments])
    assert caught.value.code == code
    *_, line = capsys.readouterr().err.splitlines()
    assert line.startswith("nas-search: ")
    return line.removeprefix("nas-search: ")


def answers_by_hand(model: Network, side: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits of digits' test images, and their labels."""
    split = Digits().open().test
    see = EvalTransform(side=side, crop_pct=0.875)
    mean, std = torch.tensor([120.0, 115.5, 100.0]), torch.tensor([60.0, 61.0, 62.5])
    images = [split.read(position).convert("RGB") for position in split.positions.tolist()]
    seen = np.stack([see(image, np.random.default_rng(0)) for image in images])
    with torch.inference_mode():
        logits = model(((torch.from_numpy(seen) - mean) / std).permute(0, 3, 1, 2))
    return logits, torch.from_numpy(split.labels)


def test_the_figures_are_those_counted_by_hand(capsys: pytest.CaptureFixture[str]) -> None:
    model = trained_folder(Path("b0"))
    found = evaluated("data=digits")
    logits, labels = answers_by_hand(model, 16)
    right = logits.argmax(1) == labels
    assert found["images"] == len(labels)
    assert found["accuracy"]["value"] == pytest.approx(float(right.float().mean()))
    top = (logits.topk(5).indices == labels[:, None]).any(1)
    assert found["top5"]["value"] == pytest.approx(float(top.float().mean()))
    loss = torch.nn.functional.cross_entropy(logits, labels)
    assert found["loss"] == pytest.approx(float(loss), rel=1e-4)
    for digit, of_class in enumerate(found["classes"]):
        expected = float(right[labels == digit].float().mean())
        assert of_class["accuracy"]["value"] == pytest.approx(expected)
    header, *rows = confusion("b0/test_16px_confusion.csv")
    assert header[1:] == [row[0] for row in rows] == list(DIGITS)
    for digit, row in enumerate(rows):
        predicted = logits.argmax(1)[labels == digit]
        assert [int(n) for n in row[1:]] == predicted.bincount(minlength=10).tolist()
    printed = capsys.readouterr()
    assert f"{found['accuracy']['value']:.4f}" in printed.out
    assert "reads the test images of digits" in printed.err


def test_what_the_data_are_judged_by_comes_first(capsys: pytest.CaptureFixture[str]) -> None:
    trained_folder(Path("b0"))
    found = evaluated("data.metric=mean_per_class")
    lines = capsys.readouterr().out.splitlines()
    first, second = (line for line in lines if line.startswith(("top-1", "mean accuracy")))
    told = found["mean_per_class"]
    assert first.split()[-2:] == [f"{told['value']:.4f}", f"{told['low']:.4f}–{told['high']:.4f}"]
    assert first.startswith("mean accuracy per class")
    assert second.startswith("top-1 accuracy")
    assert found["metric"] == "mean_per_class"


def test_another_resolution_is_another_evaluation(capsys: pytest.CaptureFixture[str]) -> None:
    model = trained_folder(Path("b0"))
    evaluated("data=digits")
    found = evaluated("data=digits", "resolution=24", name="b0/test_24px")
    logits, labels = answers_by_hand(model, 24)
    expected = float((logits.argmax(1) == labels).float().mean())
    assert found["accuracy"]["value"] == pytest.approx(expected)
    assert found["resolution"] == 24
    assert Path("b0/test_16px.json").exists()
    assert "at 24 px" in capsys.readouterr().out


def test_what_a_split_is_for_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trained_folder(Path("b0"), data={"name": "digits", **identity(Digits())})
    evaluated("split=val", name="b0/val_16px")
    learns = "evaluate: `train` learns from the val images of digits: new ones are harder\n"
    assert capsys.readouterr().err == learns
    pets = image_folder(tmp_path / "pets", {f"{s}/{c}": 4 for s in ("train", "val") for c in "ab"})
    trained_folder(Path("pets_b0"), ("a", "b"))
    main(["evaluate", "pets_b0", "data=imagefolder", f"data.path={pets}", "split=val", *QUICK])
    assert "learns" not in capsys.readouterr().err


def test_test_images_that_were_trained_on_are_suspected(
    capsys: pytest.CaptureFixture[str],
) -> None:
    own = {**identity(Digits()), "test digest": digest_of_test(Digits())}
    trained_folder(Path("b0"), data={"name": "digits", **own})
    evaluated()
    assert "may have learnt" not in capsys.readouterr().err
    evaluated("data.seed=1")
    assert "may have learnt from some" in capsys.readouterr().err


def test_what_training_said_stands_beside(capsys: pytest.CaptureFixture[str]) -> None:
    trained_folder(Path("b0"), test=worth(0.5, 0.25, 0.75, images=16))
    evaluated("split=val", name="b0/val_16px")
    (line,) = (x for x in capsys.readouterr().out.splitlines() if "at its training" in x)
    assert line.split()[-2:] == ["0.5000", "0.2500–0.7500"]


def test_classes_are_matched_by_their_names(tmp_path: Path) -> None:
    image_folder(tmp_path / "pets", {f"{s}/{c}": 6 for s in ("train", "test") for c in "abc"})
    data = ["data=imagefolder", f"data.path={tmp_path}/pets"]
    model = trained_folder(Path("b0"), ("c", "a", "b"))
    found = evaluated(*data)
    mixed = telling(model.arch)
    order = torch.tensor([1, 2, 0])  # of the same classes by their names
    mixed.classifier.weight.data = model.classifier.weight.data[order]
    mixed.classifier.bias.data = model.classifier.bias.data[order]
    save_trained(mixed, card(mixed.arch, ("a", "b", "c")), Path("b0") / WEIGHTS)
    again = evaluated(*data)
    assert found["accuracy"] == again["accuracy"]
    of = {each["class"]: each for each in found["classes"]}
    assert of == {each["class"]: each for each in again["classes"]}


def test_classes_that_the_data_lack_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image_folder(tmp_path / "pets", {"cat": 20, "dog": 20})
    trained_folder(Path("b0"), ("bird", "cat", "dog"))
    found = evaluated("data=imagefolder", f"data.path={tmp_path}/pets")
    assert "pets has none of 1 class of the network: bird" in capsys.readouterr().err
    assert [each["accuracy"] is None for each in found["classes"]] == [True, False, False]


def test_names_from_strangers_are_data(tmp_path: Path) -> None:
    image_folder(tmp_path / "pets", {"=1+1": 20, "@b": 20})
    trained_folder(Path("b0"), ("=1+1", "@b"))
    found = evaluated("data=imagefolder", f"data.path={tmp_path}/pets")
    assert [each["class"] for each in found["classes"]] == ["=1+1", "@b"]
    header, *rows = confusion("b0/test_16px_confusion.csv")
    assert header[1:] == [row[0] for row in rows] == ["'=1+1", "'@b"]


def test_names_that_are_no_utf_8_are_data_as_they_are_shown(tmp_path: Path) -> None:
    image_folder(tmp_path / "pets", {"caf\udce9": 20, "dog": 20})
    trained_folder(Path("b0"), ("caf\\udce9", "dog"))
    found = evaluated("data=imagefolder", f"data.path={tmp_path}/pets")
    assert found["classes"][0]["class"] == "caf\\udce9"
    assert confusion("b0/test_16px_confusion.csv")[1][0] == "caf\\udce9"


def test_weights_that_say_nothing_need_their_network(capsys: pytest.CaptureFixture[str]) -> None:
    model = telling(tiny(10))
    save_weights(model, "plain.safetensors")
    write_arch(model.arch, "tiny.yaml", {})
    line = refusal(capsys, "plain.safetensors")
    assert line.startswith("weights: plain.safetensors: its header has no nas_search")
    main(["evaluate", "weights=plain.safetensors", "network=tiny.yaml", "out=figures", *QUICK])
    assert "ImageNet's mean and standard deviation" in capsys.readouterr().err
    assert json.loads(Path("figures/test_16px.json").read_text())["images"] == 269


def test_weights_of_as_many_classes_as_the_data_are_expected(
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = telling(tiny(7))
    save_weights(model, "plain.safetensors")
    write_arch(model.arch, "tiny.yaml", {})
    line = refusal(capsys, "plain.safetensors", "network=tiny.yaml")
    assert "classifier" in line
    assert "7" in line
    assert "10" in line


def test_data_of_other_classes_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image_folder(tmp_path / "pets", {"cat": 20, "dog": 20})
    trained_folder(Path("b0"), ("bird", "cat"))
    line = refusal(capsys, "b0", "data=imagefolder", f"data.path={tmp_path}/pets")
    assert line == (
        "data: pets has classes that the network was not trained on: dog; it knows bird, cat"
    )


def test_a_damaged_image_is_named_and_nothing_is_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = image_folder(
        tmp_path / "pets", {f"{s}/{c}": 4 for s in ("train", "test") for c in "ab"}
    )
    (folder / "test/b/1.png").write_bytes(b"\x89PNG\r\n\x1a\nno more of it")
    trained_folder(Path("b0"), ("a", "b"))
    before = sorted(Path("b0").iterdir())
    line = refusal(capsys, "b0", "data=imagefolder", f"data.path={folder}", "out=figures")
    assert line.startswith(f"{folder}/test/b/1.png: the image cannot be decoded: ")
    assert sorted(Path("b0").iterdir()) == before
    assert not Path("figures").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["b0", "split=tset"], "split: got 'tset'; did you mean 'test'?"),
        (["none"], "weights: none: no such file or folder"),
        (["b0/empty.safetensors"], "weights: b0/empty.safetensors: "),
        (["b0/plain.safetensors", "network=none"], "network: 'none' is neither a network of"),
        (["b0/plain.safetensors", "network=efficientnet_b0"], "weights: b0/plain.safetensors: not"),
        (["b0", "out=b0/weights.safetensors/x"], "out: b0/weights.safetensors is a file; expected"),
        (["b0", "resolution=1"], "resolution: 1 px: stem: the feature map vanishes"),
        (["b0", "crop_pct=0"], "crop_pct: expected a number above 0, at most 1, got 0"),
        (["hf-hub:timm/b0"], "out: expected a folder for the figures"),
        (["b0", "device=tpu"], "device: cannot use tpu"),
        (["b0", "network=efficientnet_b0"], "network: expected none, since the weights say"),
        (["b0", "out=b0/weights.safetensors"], "out: b0/weights.safetensors: expected a folder"),
    ],
    ids=lambda each: each[-1] if isinstance(each, list) else "",
)
def test_a_mistake_is_one_line(
    arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    save_weights(trained_folder(Path("b0")), Path("b0/plain.safetensors"))
    Path("b0/empty.safetensors").touch()
    assert refusal(capsys, *arguments).startswith(expected)


def test_a_network_of_other_than_three_channels_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = telling(tiny(10, Head(kind="pool")).replace(in_channels=1))
    Path("b0").mkdir()
    save_trained(model, card(model.arch, DIGITS), Path("b0") / WEIGHTS)
    assert "images of 1 channel;" in refusal(capsys, "b0")
