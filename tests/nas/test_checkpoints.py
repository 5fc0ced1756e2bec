"""Checkpoints as other people's trainers write them."""

import argparse
import pathlib
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from checkpoint_files import SMALL, SMALL_RESNET, holds, prefixed, refusal, saved, state
from nas.networks.model import build
from nas.networks.weights import timm_state_dict
from search_spaces.arch import Arch


class TestParts:
    """Which weights of a checkpoint are taken."""

    def test_timms_checkpoint_as_its_trainer_writes_it(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        model, averaged = build(SMALL), state()
        optimizer = torch.optim.AdamW(model.parameters())
        sum(p.sum() for p in model.parameters()).backward()
        optimizer.step()
        args = argparse.Namespace(
            model="small", lr=0.1, output=pathlib.Path("runs"), mean=(0.5, 0.5), best=np.float64(3)
        )
        content = {
            "epoch": 7,
            "arch": "small",
            "state_dict": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "version": 2,
            "args": args,
            "amp_scaler": {"scale": 65536.0, "_growth_tracker": 3},
            "state_dict_ema": averaged,
            "metric": np.float32(76.5),
        }
        path = saved(content, tmp_path / "model_best.pth.tar")
        assert holds(build(SMALL, weights=path), averaged)
        assert caplog.messages == [
            f"{path}: weights taken from its state_dict_ema, not from state_dict"
        ]

    @pytest.mark.parametrize(
        ("parts", "taken", "left"),
        [
            (("state_dict", "state_dict_ema"), "state_dict_ema", ", not from state_dict"),
            (("model", "model_ema"), "model_ema", ", not from model"),
            (("ema", "model"), "ema", ", not from model"),
            (("state_dict_ema",), "state_dict_ema", ""),
            (("model_ema",), "model_ema", ""),
            (("state_dict",), "state_dict", ""),
            (("model",), "model", ""),
            (("model_state_dict",), "model_state_dict", ""),
            (("net",), "net", ""),
            (("weights",), "weights", ""),
        ],
    )
    def test_the_part_is_said(
        self,
        parts: tuple[str, ...],
        taken: str,
        left: str,
        tmp_path: Path,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        weights = {part: state() for part in parts}
        path = saved({**weights, "epoch": 3}, tmp_path / "last.pth")
        assert holds(build(SMALL, weights=path), weights[taken])
        assert caplog.messages == [f"{path}: weights taken from its {taken}{left}"]

    def test_a_part_that_holds_no_weights_is_none(self, tmp_path: Path) -> None:
        weights = state()
        content = {"state_dict_ema": None, "ema": 0.999, "net": "b0", "state_dict": weights}
        assert holds(build(SMALL, weights=saved(content, tmp_path / "a.ckpt")), weights)

    def test_a_bare_state_dict_needs_no_words(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        weights = state()
        assert holds(build(SMALL, weights=saved(weights, tmp_path / "a.bin")), weights)
        assert not caplog.messages

    @pytest.mark.parametrize("old", [False, True])
    def test_what_is_beside_the_weights_is_not_made(self, old: bool, tmp_path: Path) -> None:
        weights = state()
        content = {
            "model": weights,
            "args": argparse.Namespace(data=pathlib.PureWindowsPath("c:/data")),
            "path": pathlib.PurePosixPath("/data"),
            "random": np.random.get_state(),
            "best": [np.float64(0.5), np.int64(3), np.bool_(True)],
            "device": torch.device("cpu"),
        }
        options = {"_use_new_zipfile_serialization": False} if old else {}
        path = saved(content, tmp_path / "last.pth", **options)
        assert holds(build(SMALL, weights=path), weights)

    def test_files_of_older_numpy(self, tmp_path: Path) -> None:
        path = saved({"model": state(), "best": np.float64(0.5)}, tmp_path / "new.pth")
        older = tmp_path / "older.pth"
        with zipfile.ZipFile(path) as read, zipfile.ZipFile(older, "w") as write:
            for entry in read.infolist():
                data = read.read(entry).replace(b"numpy._core", b"numpy.core")
                write.writestr(entry.filename, data)
        assert holds(build(SMALL, weights=older), dict(build(SMALL, weights=path).state_dict()))

    def test_other_than_tensors_among_the_weights(self, tmp_path: Path) -> None:
        path = saved({"state_dict": state() | {"epoch\n": 3}}, tmp_path / "a.pth")
        assert refusal(path) == "its state_dict holds other than tensors: epoch\\n"


class TestNames:
    """What wraps a network leaves its mark on the names."""

    @pytest.mark.parametrize(
        "prefix",
        [
            *("module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module."),
            *("model.", "net.", "backbone.", "timm_model.", "model._orig_mod."),
        ],
    )
    @pytest.mark.parametrize("arch", [SMALL, SMALL_RESNET], ids=lambda arch: arch.name)
    def test_prefixes(self, arch: Arch, prefix: str, tmp_path: Path) -> None:
        model = build(arch)
        content = {"state_dict": prefixed(prefix, timm_state_dict(model))}
        path = saved(content, tmp_path / "a.pth")
        assert holds(build(arch, weights=path), dict(model.state_dict()))

    def test_of_real_wrappers(self, tmp_path: Path) -> None:
        model = build(SMALL)
        averaged = torch.optim.swa_utils.AveragedModel(model)
        path = saved({"model_ema": averaged.state_dict()}, tmp_path / "a.pth")
        assert holds(build(SMALL, weights=path), dict(model.state_dict()))
        path = saved(nn.DataParallel(model).state_dict(), tmp_path / "b.pth")
        assert holds(build(SMALL, weights=path), dict(model.state_dict()))
        model.blocks = torch.compile(model.blocks)  # type: ignore[assignment]
        path = saved(model.state_dict(), tmp_path / "c.pth")
        assert "blocks._orig_mod.0.0.conv_dw.weight" in model.state_dict()
        assert len(build(SMALL, weights=path).state_dict()) == len(model.state_dict())

    def test_two_tensors_of_one_name(self, tmp_path: Path) -> None:
        weights = state()
        both = weights | {"module.conv_stem.weight": weights["conv_stem.weight"]}
        path = saved(both, tmp_path / "a.pth")
        assert refusal(path) == "two tensors are called conv_stem.weight"
        model = build(SMALL_RESNET)
        twice = timm_state_dict(model) | {"classifier.weight": torch.zeros(10, 16)}
        path = saved(twice, tmp_path / "b.pth")
        assert refusal(path, SMALL_RESNET) == "holds classifier.weight twice, under two names"


class TestHeads:
    def test_a_headless_file_gets_a_new_classifier(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        weights = {n: v for n, v in state().items() if not n.startswith("classifier")}
        path = saved(weights, tmp_path / "headless.pth")
        model = build(SMALL, weights=path, num_classes=3)
        assert torch.equal(model.conv_head.weight, weights["conv_head.weight"])
        assert model.classifier.out_features == 3
        assert caplog.messages == [f"{path}: it has no classifier; a new one of 3 starts untrained"]

    def test_unasked_for_it_is_a_misfit_with_a_remedy(self, tmp_path: Path) -> None:
        weights = {n: v for n, v in state().items() if not n.startswith("classifier")}
        assert refusal(saved(weights, tmp_path / "headless.pth")) == (
            "not the weights of small: 2 missing, first classifier.weight "
            "(with num_classes given, a new classifier takes its place)"
        )

    def test_a_classifier_saved_as_a_conv(self, tmp_path: Path) -> None:
        weights = state()
        conv = weights | {"classifier.weight": weights["classifier.weight"][..., None, None]}
        assert holds(build(SMALL, weights=saved(conv, tmp_path / "a.pth")), weights)

    def test_images_of_other_channels(self, tmp_path: Path) -> None:
        path = saved(state(SMALL.replace(in_channels=1)), tmp_path / "grey.pth")
        assert refusal(path) == (
            "not the weights of small: 1 of another shape, first conv_stem.weight: "
            "(8, 1, 3, 3), expected (8, 3, 3, 3)"
        )


class TestValues:
    @pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
    def test_weights_that_are_no_numbers(self, value: float, tmp_path: Path) -> None:
        weights = state()
        weights["bn1.running_var"][3] = value
        weights["conv_head.weight"][:] = value
        assert refusal(saved(weights, tmp_path / "a.pth")) == (
            "not the weights of small: 2 with NaN or infinite values, first bn1.running_var"
        )

    def test_what_overflows_single_precision(self, tmp_path: Path) -> None:
        weights = state()
        weights["bn1.bias"] = torch.full((8,), 1e300, dtype=torch.float64)
        message = refusal(saved(weights, tmp_path / "a.pth"))
        assert message.endswith("1 with NaN or infinite values, first bn1.bias")

    @pytest.mark.parametrize(
        ("made", "kind"),
        [
            (lambda t: t.long(), "int64"),
            (lambda t: t.bool(), "bool"),
            (lambda t: t.to(torch.complex64), "complex64"),
            (lambda t: t.to(torch.float8_e4m3fn), "float8_e4m3fn"),
            (lambda t: t.to_sparse(), "sparse_coo"),
            (lambda t: t.flatten(1).to_sparse_csr(), "sparse_csr"),
            (lambda t: t.to("meta"), "without values (meta)"),
            (lambda t: torch.quantize_per_tensor(t, 0.1, 0, torch.qint8), "qint8"),
        ],
    )
    @pytest.mark.filterwarnings("ignore")
    def test_tensors_of_other_kinds(self, made: Any, kind: str, tmp_path: Path) -> None:
        weights = state()
        weights["conv_stem.weight"] = made(weights["conv_stem.weight"])
        message = refusal(saved(weights, tmp_path / "a.pth"))
        assert message == (
            "not the weights of small: 1 of another kind, first conv_stem.weight: "
            f"{kind}, expected float32 values"
        )

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
    @pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
    def test_other_precisions_are_converted_and_said(
        self, dtype: torch.dtype, suffix: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        path = tmp_path / f"half{suffix}"
        weights = {n: v.to(dtype) if v.is_floating_point() else v for n, v in state().items()}
        if suffix == ".pth":
            torch.save(weights, path)
        else:
            save_file(weights, path)
        model = build(SMALL, weights=path)
        assert model.conv_stem.weight.dtype == torch.float32
        assert torch.equal(model.conv_stem.weight, weights["conv_stem.weight"].float())
        name = str(dtype).removeprefix("torch.")
        assert caplog.messages == [f"{path}: its {name} weights become float32"]

    def test_a_tensor_of_many_elements_and_no_bytes_takes_no_memory(self, tmp_path: Path) -> None:
        weights = state() | {"conv_stem.weight": torch.zeros(1).expand(10**9, 10**3)}
        message = refusal(saved(weights, tmp_path / "a.pth"))
        assert message.endswith("first conv_stem.weight: (1000000000, 1000), expected (8, 3, 3, 3)")
