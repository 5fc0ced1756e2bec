"""`nas-search export --format hub`, and trained networks in the other formats."""

import dataclasses
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from cards import CARD
from nas.cli import main
from nas.networks.model import build
from nas.networks.trained import read_card, save_trained
from nas.networks.weights import save_weights
from search_spaces.arch import Arch
from search_spaces.ends import Head, Stem
from search_spaces.stage import Stage
from search_spaces.yaml_io import write_arch

TINY = Arch(
    name="b0",
    resolution=16,
    num_classes=3,
    stem=Stem(channels=8),
    stages=(Stage(channels=8, se=0.25), Stage(stride=2, expand=2, channels=16)),
    head=Head(channels=16),
)
WEIGHTS = "run/trained/b0/weights.safetensors"


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def trained() -> Path:
    """The file of weights that a training leaves."""
    path = Path(WEIGHTS)
    save_trained(build(TINY), dataclasses.replace(CARD, arch=TINY, classes=("a", "b", "c")), path)
    path.with_name("README.md").write_text("as the training left it")
    return path


def test_a_trained_network_leaves_for_the_hub(capsys: pytest.CaptureFixture[str]) -> None:
    folder = trained().parent
    main(["export", str(folder), "--format", "hub"])
    printed = capsys.readouterr().out
    loads = 'timm.create_model("local-dir:b0_hub", pretrained=True) loads it, once nas_b0.py in it'
    assert loads in printed
    assert read_card("b0_hub").classes == ("a", "b", "c")
    main(["export", str(folder), "--format", "hub"])  # again, over what is there


def test_a_trained_network_is_exported_with_its_weights(
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = trained()
    expected = load_file(path)["conv_stem.weight"]
    main(["export", str(path), "format=program"])
    assert "untrained" not in capsys.readouterr().out
    assert torch.equal(torch.export.load("b0.pt2").state_dict["conv_stem.weight"], expected)
    write_arch(TINY, "b0.yaml")
    main(["export", "b0.yaml", "format=program", f"weights={path.parent}", "out=x.pt2"])
    assert torch.equal(torch.export.load("x.pt2").state_dict["conv_stem.weight"], expected)
    main(["export", "b0.yaml", "format=hub", f"weights={path}"])
    assert torch.equal(load_file("b0_hub/model.safetensors")["conv_stem.weight"], expected)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["resnet50"], ("weights", "nas-search train")),
        (["resnet50", f"weights={WEIGHTS}"], ("are of b0, not resnet50",)),
        (["b0.yaml", "weights=plain.safetensors"], ("plain.safetensors", "no nas_search")),
        ([WEIGHTS, "weights=plain.safetensors"], ("weights", "has its own")),
        ([WEIGHTS, "num_classes=7"], ("num_classes", "trained for 3 classes")),
        ([WEIGHTS, "out=b0.yaml"], ("out", "a folder to write into, this is a file")),
        (["plain.safetensors"], ("plain.safetensors", "no nas_search")),
        (["run"], ("run/weights.safetensors", "no such file")),
        ([WEIGHTS, "out=run/trained/b0"], ("out: run/trained/b0 has a README.md", "no export")),
        (["hf-hub:x y"], ("network: hf-hub:x y: expected hf-hub:OWNER/NAME or",)),
    ],
)
def test_a_mistake_about_the_hub_leaves_nothing(
    arguments: list[str], words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    trained()
    write_arch(TINY, "b0.yaml")
    save_weights(build(TINY), "plain.safetensors")
    before = sorted(Path().rglob("*"))
    with pytest.raises(SystemExit) as stopped:
        main(["export", *arguments, "format=hub"])
    printed = capsys.readouterr()
    assert (stopped.value.code, printed.out) == (2, "")
    assert printed.err.count("\n") == 1
    assert all(word in printed.err for word in words)
    assert sorted(Path().rglob("*")) == before
