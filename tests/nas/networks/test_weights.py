"""Weights travel to files and back bit for bit; what does not fit says so on one line."""

import logging
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from nas.networks.model import Network, build
from nas.networks.naming import family_names, torchvision_names
from nas.networks.weights import save_weights
from search_spaces.arch import Arch
from search_spaces.ends import Head, Stem
from search_spaces.errors import UserError
from search_spaces.stage import Stage
from search_spaces.zoo import zoo

SMALL = Arch(
    name="small",
    resolution=32,
    num_classes=10,
    stem=Stem(channels=8),
    stages=(
        Stage(channels=8, se=0.25),
        Stage(expand=6, channels=12, repeats=2, stride=2, se=0.25),
        Stage(op="fused", expand=4, channels=16, continues=True),
    ),
    head=Head(channels=24),
)
SMALL_RESNET = SMALL.replace(
    name="small_resnet",
    stem=Stem(channels=8, pool=True),
    stages=(
        Stage(op="bottleneck", expand=0.25, channels=16, repeats=2, se=0.5),
        Stage(op="bottleneck", expand=0.25, channels=32, stride=2),
    ),
    head=Head(kind="pool"),
    activation="relu",
)


def equal(model: Network, other: Network) -> bool:
    pairs = zip(model.state_dict().items(), other.state_dict().items(), strict=True)
    return all(a == b and torch.equal(x, y) for (a, x), (b, y) in pairs)


def refusal(arch: Arch, path: Path, **options: Any) -> str:
    with pytest.raises(UserError) as caught:
        build(arch, weights=path, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(str(path))
    return message.removeprefix(str(path))


class TestRoundTrip:
    @pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
    @pytest.mark.parametrize("arch", [SMALL, SMALL_RESNET], ids=lambda arch: arch.name)
    def test_bit_for_bit(self, arch: Arch, suffix: str, tmp_path: Path) -> None:
        path = tmp_path / "of" / f"weights{suffix}"
        model = build(arch).to(memory_format=torch.channels_last)
        save_weights(model, path)
        assert equal(build(arch, weights=path), model)
        assert [file.name for file in path.parent.iterdir()] == [path.name]

    def test_names_in_the_file_are_timms(self, tmp_path: Path) -> None:
        path = tmp_path / "b.safetensors"
        save_weights(build(SMALL), path)
        names = load_file(path)
        assert set(names) == set(build(SMALL).state_dict())
        assert {"conv_stem.weight", "blocks.0.0.conv_dw.weight", "blocks.1.2.conv_exp.weight"} <= (
            set(names)
        )
        save_weights(build(SMALL_RESNET), path)
        assert {"conv1.weight", "layer1.1.bn3.running_mean", "layer1.0.se.fc1.bias"} <= set(
            load_file(path)
        )
        assert {"layer2.0.downsample.0.weight", "fc.bias"} <= set(load_file(path))


class TestOtherNames:
    def test_torchvision_names_of_efficientnet_b0(self) -> None:
        with torch.device("meta"):
            state = build(zoo("efficientnet_b0")).state_dict()
        names = torchvision_names(zoo("efficientnet_b0"), state)
        assert len(set(names.values())) == len(state) == 360
        # From torchvision's own state dict.
        for theirs, shape in {
            "features.0.0.weight": (32, 3, 3, 3),
            "features.1.0.block.0.0.weight": (32, 1, 3, 3),
            "features.1.0.block.1.fc1.weight": (8, 32, 1, 1),
            "features.2.0.block.0.1.running_mean": (96,),
            "features.2.1.block.2.fc2.bias": (144,),
            "features.7.0.block.3.0.weight": (320, 1152, 1, 1),
            "features.8.1.weight": (1280,),
            "classifier.1.weight": (1000, 1280),
        }.items():
            (ours,) = (name for name, other in names.items() if other == theirs)
            assert tuple(state[ours].shape) == shape

    def test_renamings_are_one_to_one(self) -> None:
        for name in ("efficientnet_v2_s", "resnet50"):
            with torch.device("meta"):
                state = build(zoo(name)).state_dict()
            for names in (torchvision_names(zoo(name), state), *family_names(state)):
                assert len(set(names.values())) == len(state)

    def test_a_torchvision_file_loads(self, tmp_path: Path) -> None:
        model = build(SMALL)
        names = torchvision_names(SMALL, model.state_dict())
        path = tmp_path / "torchvision.pth"
        torch.save({names[name]: value for name, value in model.state_dict().items()}, path)
        assert equal(build(SMALL, weights=path), model)

    def test_weights_inside_a_training_checkpoint(self, tmp_path: Path) -> None:
        model, path = build(SMALL), tmp_path / "last.pth"
        torch.save({"epoch": 3, "state_dict": model.state_dict()}, path)
        assert equal(build(SMALL, weights=path), model)

    def test_files_from_before_batches_were_tracked(self, tmp_path: Path) -> None:
        model, path = build(SMALL), tmp_path / "old.safetensors"
        old = {k: v for k, v in model.state_dict().items() if "num_batches" not in k}
        save_file(old, path)
        assert equal(build(SMALL, weights=path), model)


class TestClassifier:
    def test_other_classes_start_untrained_and_say_so(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        path = tmp_path / "ten.safetensors"
        ten = build(SMALL)
        save_weights(ten, path)
        with caplog.at_level(logging.WARNING):
            three = build(SMALL, weights=path, num_classes=3)
        assert three(torch.zeros(2, 3, 32, 32)).shape == (2, 3)
        assert torch.equal(three.blocks[1][0].conv_pw.weight, ten.blocks[1][0].conv_pw.weight)
        assert [record.getMessage() for record in caplog.records] == [
            f"{path}: its classifier of 10 classes is left out; a new one of 3 starts untrained"
        ]

    def test_a_classifier_that_fits_is_kept(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        path = tmp_path / "three.safetensors"
        model = build(SMALL, num_classes=3)
        save_weights(model, path)
        assert equal(build(SMALL, weights=path, num_classes=3), model)
        assert not caplog.records

    def test_unasked_for_it_is_a_misfit(self, tmp_path: Path) -> None:
        path = tmp_path / "three.safetensors"
        save_weights(build(SMALL, num_classes=3), path)
        assert refusal(SMALL, path) == (
            ": not the weights of small: 2 of another shape, first classifier.weight: (3, 24), "
            "expected (10, 24)"
        )


class Marked:
    """Unpickled, it would leave a file behind."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.marker,)


class TestMisfits:
    def test_another_networks_weights(self, tmp_path: Path) -> None:
        path = tmp_path / "resnet.pth"
        save_weights(build(SMALL_RESNET), path)
        message = refusal(SMALL, path)
        assert message.startswith(": not the weights of small: ")
        assert "missing, first conv_head.weight" in message or "missing, first blocks.0" in message
        assert "unexpected, first " in message

    @pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
    @pytest.mark.parametrize("kept", [0, 1, 9, 700, 0.5, 0.99])
    def test_cut_short(self, suffix: str, kept: float, tmp_path: Path) -> None:
        path = tmp_path / f"cut{suffix}"
        save_weights(build(SMALL), path)
        content = path.read_bytes()
        path.write_bytes(content[: int(kept if kept >= 1 else kept * len(content))])
        assert "cut short" in refusal(SMALL, path)

    @pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
    @pytest.mark.parametrize("content", [b"<!DOCTYPE html>\n404\n" * 20, bytes(range(256)) * 9])
    def test_foreign(self, suffix: str, content: bytes, tmp_path: Path) -> None:
        path = tmp_path / f"foreign{suffix}"
        path.write_bytes(content)
        assert "cut short" in refusal(SMALL, path)

    @pytest.mark.parametrize("protocol", [None, 2, 4])
    @pytest.mark.filterwarnings("ignore:Detected pickle protocol")
    def test_pickled_code_is_not_run(self, protocol: int | None, tmp_path: Path) -> None:
        path, marker = tmp_path / "code.pth", tmp_path / "ran"
        content = {"conv_stem.weight": Marked(marker)}
        if protocol is None:
            torch.save(content, path)
        else:
            path.write_bytes(pickle.dumps(content, protocol))
        assert "pickled code or objects, which are never run" in refusal(SMALL, path)
        assert not marker.exists()

    @pytest.mark.parametrize("content", [{"epoch": 3}, [1, 2], torch.zeros(3), {3: torch.ones(1)}])
    def test_no_state_dict(self, content: object, tmp_path: Path) -> None:
        path = tmp_path / "list.pth"
        torch.save(content, path)
        assert refusal(SMALL, path).startswith(": expected a state dict, names and their tensors")

    def test_a_part_of_another_name_is_named(self, tmp_path: Path) -> None:
        path = tmp_path / "gan.pth"
        torch.save({"generator": {"a": torch.zeros(1)}, "epoch": 3}, path)
        said = refusal(SMALL, path)
        assert "or one under state_dict_ema" in said
        assert said.endswith("it holds generator, epoch")

    def test_no_such_file_and_other_formats(self, tmp_path: Path) -> None:
        assert refusal(SMALL, tmp_path / "absent.pth") == ": no such file"
        assert "ending in .safetensors" in refusal(SMALL, tmp_path / "weights.h5")
        with pytest.raises(UserError, match="ending in"):
            save_weights(build(SMALL), tmp_path / "weights.npz")

    def test_tensors_of_other_kinds(self, tmp_path: Path) -> None:
        half: dict[str, Tensor] = {
            name: value.half() if value.is_floating_point() else value
            for name, value in build(SMALL).state_dict().items()
        }
        path = tmp_path / "half.safetensors"
        save_file(half, path)
        assert build(SMALL, weights=path).conv_stem.weight.dtype == torch.float32
