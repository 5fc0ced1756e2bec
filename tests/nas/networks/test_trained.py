"""A trained network's file says what it is; what a stranger's file says is only data."""

import dataclasses
import json
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from cards import CARD
from checkpoint_files import SMALL, SMALL_RESNET
from nas.networks.model import Network, build
from nas.networks.trained import KEY, Card, load_trained, read_card, save_trained
from nas.networks.weights import save_weights
from search_spaces.errors import UserError


def saved(folder: Path, card: Card = CARD) -> tuple[Network, Path]:
    model, path = build(card.arch), folder / "weights.safetensors"
    save_trained(model, card, path)
    return model, path


def foreign(path: Path, text: str) -> Path:
    """The file at `path` with another text in place of the card."""
    save_file(load_file(path), path, {KEY: text})
    return path


def changed(path: Path, **fields: Any) -> Path:
    with path.open("rb") as file:
        header = json.loads(file.read(*struct.unpack("<Q", file.read(8))))
    return foreign(path, json.dumps({**json.loads(header["__metadata__"][KEY]), **fields}))


def tested(**changes: Any) -> dict[str, Any]:
    """Figures on test images, but for some changes."""
    assert CARD.test is not None
    return {**dataclasses.asdict(CARD.test), **changes}


OUTSIDE = {"value": 0.9, "low": 0, "high": 0.5}
"""An accuracy that its own interval leaves out"""


def refusal(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        load_trained(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert message.isprintable()
    return message.removeprefix(str(path))


def test_the_card_comes_back_as_it_was_written(tmp_path: Path) -> None:
    _, path = saved(tmp_path)
    assert read_card(path) == CARD


def test_names_of_folders_that_are_no_utf_8_come_back(tmp_path: Path) -> None:
    names = ("caf\udce9", "café", *CARD.classes[2:])
    _, path = saved(tmp_path, dataclasses.replace(CARD, classes=names))
    assert read_card(path).classes == names


@pytest.mark.parametrize("arch", [SMALL, SMALL_RESNET], ids=lambda arch: arch.name)
def test_weights_come_back_to_the_bit_from_the_file_and_its_folder(
    tmp_path: Path, arch: Any
) -> None:
    model, path = saved(tmp_path, dataclasses.replace(CARD, arch=arch, minival=None, test=None))
    state = torch.random.get_rng_state()
    for reference in (path, str(tmp_path)):
        loaded, card = load_trained(reference)
        assert card.arch == arch
        assert not loaded.training
        assert all(torch.equal(v, model.state_dict()[k]) for k, v in loaded.state_dict().items())
    assert torch.equal(torch.random.get_rng_state(), state)


def test_other_libraries_read_the_file(tmp_path: Path) -> None:
    model, path = saved(tmp_path)
    assert set(load_file(path)) == set(model.state_dict())


def test_a_card_of_another_network_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the card is of small, the weights of small_resnet"):
        save_trained(build(SMALL_RESNET), CARD, tmp_path / "weights.safetensors")
    with pytest.raises(UserError, match=r"expected a \.safetensors file"):
        save_trained(build(SMALL), CARD, tmp_path / "weights.pth")
    assert not list(tmp_path.iterdir())


class TestRefused:
    def test_a_file_without_a_card(self, tmp_path: Path) -> None:
        path = tmp_path / "weights.safetensors"
        save_weights(build(SMALL), path)
        assert "its header has no nas_search; expected weights that `train` left" in refusal(path)

    def test_no_file(self, tmp_path: Path) -> None:
        assert refusal(tmp_path / "weights.safetensors") == ": no such file"
        with pytest.raises(UserError, match="no such file"):
            load_trained(tmp_path)

    def test_a_pickled_file_has_no_card(self, tmp_path: Path) -> None:
        save_weights(build(SMALL), tmp_path / "weights.pth")
        assert "expected a .safetensors file" in refusal(tmp_path / "weights.pth")

    @pytest.mark.parametrize("kept", [0, 4, 100, -1])
    def test_a_file_that_is_cut_short(self, tmp_path: Path, kept: int) -> None:
        _, path = saved(tmp_path)
        path.write_bytes(path.read_bytes()[:kept])
        assert "no safetensors file, or cut short" in refusal(path)

    def test_a_header_of_gigabytes(self, tmp_path: Path) -> None:
        path = tmp_path / "weights.safetensors"
        path.write_bytes(struct.pack("<Q", 2**40) + b"{}")
        assert "its header has 1,099,511,627,776 bytes" in refusal(path)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "nas_search: not JSON: Expecting value"),
            ("[" * 100_000, "nas_search: not JSON"),
            ('{"seed": NaN}', "nas_search: not JSON: NaN is no number"),
            ('{"seed": ' + "9" * 5000 + "}", "nas_search: not JSON: an integer of 5000 digits"),
            ("[]", "nas_search: expected a mapping of Card fields"),
            ('{"seeds": 1}', "nas_search: unknown field 'seeds'; did you mean 'seed'?"),
            ("{}", "nas_search: missing field 'arch'"),
            (" " * 5_000_000, "5,000,000 characters; expected at most 4,194,304"),
        ],
        ids=["nothing", "deep", "nan", "digits", "list", "unknown", "missing", "long"],
    )
    def test_what_is_no_card(self, tmp_path: Path, text: str, message: str) -> None:
        _, path = saved(tmp_path)
        assert message in refusal(foreign(path, text))

    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"classes": ["a"]}, "classes: expected 10 names, one for each of the network's"),
            ({"classes": list(range(10))}, "classes[0]: expected a string, got 0"),
            ({"std": [0, 1, 1]}, "std: expected numbers above 0"),
            ({"mean": [1, 1]}, "mean: expected a list of 3"),
            ({"mean": [1e999, 1, 1]}, "nas_search: not JSON: Infinity is no number"),
            ({"crop_pct": 2}, "crop_pct: expected a number above 0, at most 1, got 2.0"),
            ({"epochs": -1}, "epochs: expected at least 0, got -1"),
            ({"minival": 75.0}, "minival: expected a number from 0 to 1, got 75.0"),
            ({"recipe": []}, "recipe: expected a mapping, got []"),
            ({"test": tested(accuracy=OUTSIDE)}, "test.accuracy.value: expected one within"),
            ({"test": tested(top5=OUTSIDE)}, "test.top5.value: expected one within"),
            ({"test": tested(images=0)}, "test.images: expected at least 1"),
            ({"test": tested(loss=-1)}, "test.loss: expected a finite number of at least 0"),
            ({"arch": {"stages": []}}, "arch.stages: expected at least one"),
            ({"arch": {"stages": [{"channels": 8, "kernle": 3}]}}, "unknown field 'kernle'"),
        ],
        ids=str,
    )
    def test_impossible_values(self, tmp_path: Path, fields: Any, message: str) -> None:
        _, path = saved(tmp_path)
        assert message in refusal(changed(path, **fields))

    def test_a_network_too_large_for_its_file(self, tmp_path: Path) -> None:
        """It is refused by arithmetic: building it would take terabytes."""
        _, path = saved(tmp_path)
        arch = {"name": "huge", "num_classes": 10, "stages": [{"channels": 10**6}] * 900}
        message = refusal(changed(path, arch=arch))
        assert "bytes are too few for the network of its card, huge" in message

    def test_weights_of_another_network(self, tmp_path: Path) -> None:
        _, path = saved(tmp_path)
        arch = dataclasses.asdict(
            SMALL.replace(name="other", head=dataclasses.replace(SMALL.head, channels=16))
        )
        assert ": not the weights of other: " in refusal(changed(path, arch=arch))
