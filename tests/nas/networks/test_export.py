"""Networks leave for ONNX, torch.export and timm, and say what cannot."""

import dataclasses
from pathlib import Path
from typing import Any

import onnxruntime
import pytest
import torch

from nas.networks import export
from nas.networks.cost import cost
from nas.networks.export import ExportMismatchError, export_onnx, export_program, seeded
from nas.networks.model import build
from nas.networks.timm_export import timm_definition, timm_source
from nas.networks.weights import save_weights
from search_spaces.arch import Arch
from search_spaces.compact import parse_stage
from search_spaces.ends import Head, Stem
from search_spaces.errors import UserError
from search_spaces.scaling import scale
from search_spaces.stage import SqueezeExcite, Stage
from search_spaces.zoo import ZOO, zoo

SMALL = Arch(
    name="small",
    resolution=16,
    num_classes=5,
    padding="same",
    stem=Stem(channels=8, pool=True),
    stages=(
        Stage(channels=8, se=0.25),
        Stage(op="fused", expand=2, channels=12, stride=2),
        Stage(op="bottleneck", expand=0.5, channels=16, activation="hard_swish"),
    ),
    head=Head(kind="pooled_conv", channels=24),
)


SERESNET50 = zoo("resnet50").replace(
    name="seresnet50",
    stages=tuple(dataclasses.replace(stage, se=1 / 16) for stage in zoo("resnet50").stages),
    se=SqueezeExcite(reduce="inner", divisor=8),
)
FBNET_C = (  # timm's _gen_fbnetc
    ("ir_r1_k3_s1_e1_c16",),
    ("ir_r1_k3_s2_e6_c24", "ir_r2_k3_s1_e1_c24"),
    ("ir_r1_k5_s2_e6_c32", "ir_r1_k5_s1_e3_c32", "ir_r1_k5_s1_e6_c32", "ir_r1_k3_s1_e6_c32"),
    ("ir_r1_k5_s2_e6_c64", "ir_r1_k5_s1_e3_c64", "ir_r2_k5_s1_e6_c64"),
    ("ir_r3_k5_s1_e6_c112", "ir_r1_k5_s1_e3_c112"),
    ("ir_r4_k5_s2_e6_c184",),
    ("ir_r1_k3_s1_e6_c352",),
)


class TestPrograms:
    def test_onnx_takes_any_batch_and_gives_the_same_logits(self, tmp_path: Path) -> None:
        weights, path = tmp_path / "small.safetensors", tmp_path / "out" / "small.onnx"
        model = build(SMALL).eval()
        save_weights(model, weights)
        assert export_onnx(SMALL, path, weights) < 1e-4
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        images = torch.randn(7, 3, 16, 16)
        (logits,) = session.run(["logits"], {"images": images.numpy()})
        with torch.no_grad():
            torch.testing.assert_close(torch.from_numpy(logits), model(images))
        assert [file.name for file in path.parent.iterdir()] == ["small.onnx"]

    def test_a_program_takes_any_batch(self, tmp_path: Path) -> None:
        path = tmp_path / "small.pt2"
        assert export_program(SMALL, path) < 1e-4
        assert torch.export.load(path).module()(torch.randn(7, 3, 16, 16)).shape == (7, 5)

    def test_images_of_any_size_where_that_is_asked_for(self, tmp_path: Path) -> None:
        plain = SMALL.replace(padding="torch")
        model = seeded(plain)
        assert export_onnx(plain, tmp_path / "small.onnx", dynamic="size") < 1e-4
        assert export_program(plain, tmp_path / "small.pt2", dynamic="size") < 1e-4
        session = onnxruntime.InferenceSession(tmp_path / "small.onnx")
        program = torch.export.load(tmp_path / "small.pt2").module()
        for shape in ((1, 3, 16, 16), (2, 3, 33, 47)):
            images = torch.randn(shape)
            (logits,) = session.run(None, {"images": images.numpy()})
            with torch.no_grad():
                torch.testing.assert_close(torch.from_numpy(logits), model(images))
                torch.testing.assert_close(program(images), model(images))

    def test_padding_by_the_size_of_the_images_needs_that_to_be_fixed(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match="dynamic: small pads by the images' size"):
            export_onnx(SMALL, tmp_path / "small.onnx", dynamic="size")
        assert not list(tmp_path.iterdir())

    def test_untrained_weights_are_the_same_each_time(self, tmp_path: Path) -> None:
        state = torch.random.get_rng_state()
        for name in ("a.pt2", "b.pt2"):
            export_program(SMALL, tmp_path / name)
        one, other = (torch.export.load(tmp_path / n).state_dict for n in ("a.pt2", "b.pt2"))
        assert all(torch.equal(one[name], other[name]) for name in one)
        assert torch.equal(torch.random.get_rng_state(), state)

    def test_a_network_whose_logits_are_nought(self, tmp_path: Path) -> None:
        model = build(SMALL)
        torch.nn.init.zeros_(model.classifier.weight)
        save_weights(model, tmp_path / "zero.pth")
        assert export_program(SMALL, tmp_path / "zero.pt2", tmp_path / "zero.pth") == 0

    def test_a_program_that_differs_is_not_kept(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(export, "TOLERANCE", -1.0)
        with pytest.raises(ExportMismatchError, match="logits differ from PyTorch's by"):
            export_program(SMALL, tmp_path / "small.pt2")
        assert not list(tmp_path.iterdir())


class TestTimm:
    # As timm's own definitions have them.
    def test_efficientnet_b0(self) -> None:
        assert timm_definition(zoo("efficientnet_b0")).arch_def == (
            ("ds_r1_k3_s1_e1_c16_se0.25",),
            ("ir_r2_k3_s2_e6_c24_se0.25",),
            ("ir_r2_k5_s2_e6_c40_se0.25",),
            ("ir_r3_k3_s2_e6_c80_se0.25",),
            ("ir_r3_k5_s1_e6_c112_se0.25",),
            ("ir_r4_k5_s2_e6_c192_se0.25",),
            ("ir_r1_k3_s1_e6_c320_se0.25",),
        )

    def test_mobilenet_v3_large(self) -> None:
        definition = timm_definition(zoo("mobilenet_v3_large"))
        assert definition.model == "MobileNetV3"
        assert definition.arguments["se_from_exp"] == "True"
        assert definition.arch_def == (
            ("ds_r1_k3_s1_e1_c16_nre",),
            ("ir_r1_k3_s2_e4_c24_nre", "ir_r1_k3_s1_e3_c24_nre"),
            ("ir_r3_k5_s2_e3_c40_se0.25_nre",),
            ("ir_r1_k3_s2_e6_c80", "ir_r1_k3_s1_e2.5_c80", "ir_r2_k3_s1_e2.3_c80"),
            ("ir_r2_k3_s1_e6_c112_se0.25",),
            ("ir_r3_k5_s2_e6_c160_se0.25",),
            ("cn_r1_k1_s1_c960",),
        )

    def test_efficientnet_v2_s(self) -> None:
        definition = timm_definition(zoo("efficientnet_v2_s"))
        assert definition.arch_def[:2] == (
            ("cn_r2_k3_s1_e1_c24_skip",),
            ("er_r4_k3_s2_e4_c48",),
        )

    def test_scaled_networks_have_their_scaled_strings(self) -> None:
        b2 = scale(zoo("efficientnet_b0"), 1.2, 1.1, 260)
        definition = timm_definition(b2)
        assert definition.arch_def[3] == ("ir_r4_k3_s2_e6_c88_se0.25",)
        assert definition.arguments["num_features"] == "1408"

    def test_resnets(self) -> None:
        definition = timm_definition(zoo("resnet152").replace(drop_path=0.2))
        assert (definition.model, definition.arch_def) == ("ResNet", ())
        assert definition.arguments["layers"] == "(3, 8, 36, 3)"
        assert definition.arguments["channels"] == "(64, 128, 256, 512)"
        assert float(definition.arguments["drop_path_rate"]) == pytest.approx(0.2 * 49 / 50)

    def test_seresnet50(self) -> None:
        definition = timm_definition(SERESNET50)
        assert cost(SERESNET50).params == 28088024  # timm's seresnet50
        assert definition.arguments["block_args"] == (
            "dict(attn_layer=partial(SEModule, rd_ratio=0.0625, rd_divisor=8, "
            "act_layer='relu', gate_layer='sigmoid'))"
        )
        assert "from timm.layers import SEModule" in timm_source(SERESNET50)
        compile(timm_source(SERESNET50), "<timm>", "exec")
        assert "SEModule" not in timm_source(zoo("resnet50"))

    def test_resnext101_32x16d(self) -> None:
        repeats = (3, 4, 23, 3)
        stages = tuple(
            dataclasses.replace(stage, repeats=count, expand=2, groups=32)
            for stage, count in zip(zoo("resnet50").stages, repeats, strict=True)
        )
        arch = zoo("resnet50").replace(name="resnext101_32x16d", stages=stages)
        assert cost(arch).params == 194026792  # timm's resnext101_32x16d
        arguments = timm_definition(arch).arguments
        assert (arguments["cardinality"], arguments["base_width"]) == ("32", "16")

    def test_fbnet_c(self) -> None:
        stages = tuple(
            parse_stage(("+" if position else "") + text)
            for texts in FBNET_C
            for position, text in enumerate(texts)
        )
        arch = Arch(
            stem=Stem(channels=16), stages=stages, head=Head(channels=1984), activation="relu"
        )
        assert cost(arch).params == 5572200  # timm's fbnetc_100
        assert timm_definition(arch).arch_def == FBNET_C

    def test_a_scaled_mobilenet_v3(self) -> None:
        scaled = scale(zoo("mobilenet_v3_large"), 1, 0.8, 224)
        assert timm_definition(scaled).arch_def[3] == (
            "ir_r1_k3_s2_e6_c64",
            "ir_r1_k3_s1_e2.5_c64",
            "ir_r2_k3_s1_e2.3_c64",
        )

    @pytest.mark.parametrize("arch", ZOO.values(), ids=ZOO)
    def test_the_source_is_a_module_with_one_function(self, arch: Arch) -> None:
        code = compile(timm_source(arch), "<timm>", "exec")
        assert f"nas_{arch.name}" in code.co_names

    @pytest.mark.parametrize("name", ["my net: b0'\"", "7", "class", "-"])
    def test_any_name_makes_a_module(self, name: str) -> None:
        compile(timm_source(zoo("efficientnet_b0").replace(name=name)), "<timm>", "exec")

    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"stem": Stem(stride=1)}, "stem: timm cannot express a stride other than 2"),
            ({"stages": (Stage(channels=8), Stage(op="identity", channels=16))}, "stages[1].op"),
            ({"stages": (Stage(op="sepconv", channels=32),)}, "stages[0].skip"),
            ({"stages": (Stage(op="conv", channels=32, se=0.25),)}, "stages[0].se"),
            (
                {"stages": (Stage(channels=12), Stage(expand=2.5, channels=16))},
                "stages[1].expand: timm cannot express 30 inner channels, which it rounds",
            ),
            (
                {"stages": (Stage(channels=30), Stage(expand=4, channels=16, se=0.25))},
                "stages[1].se: timm cannot express 7 squeezed channels, which it rounds",
            ),
            (
                {"stages": (Stage(channels=8), Stage(channels=8, stride=2, continues=True))},
                "stages[1].stride: timm cannot express 2 in a stage that continues another",
            ),
            ({"stages": (Stage(channels=8, stride=2),) * 5}, "stages[4].stride"),
            (
                {"stem": Stem(kind="patch", kernel=4, stride=4)},
                "stem.kind: timm cannot express patch before such blocks",
            ),
            (
                {"head": Head(kind="pooled_norm")},
                "head.kind: timm cannot express pooled_norm before such blocks",
            ),
            (
                {"stages": (Stage(channels=8, activation="gelu"),)},
                "stages[0].activation: timm cannot express gelu as that of single blocks",
            ),
        ],
    )
    def test_what_timm_cannot_express(self, fields: dict[str, Any], message: str) -> None:
        arch = Arch(**{"resolution": 64, "stages": (Stage(channels=8),), **fields})
        with pytest.raises(UserError) as caught:
            timm_definition(arch)
        assert message in str(caught.value)

    def test_what_its_resnets_cannot(self) -> None:
        for fields, message in (
            ({"padding": "same"}, "padding: timm cannot express same in a ResNet"),
            ({"stem": Stem(channels=64)}, "stem: timm cannot express"),
            ({"stages": zoo("resnet50").stages[:3]}, "stages: timm cannot express 3"),
            (
                {"stages": SERESNET50.stages},
                r"stages\[0\].se: timm cannot express 4 squeezed channels, which it rounds",
            ),
            (
                {"stages": (*zoo("resnet50").stages[:3], SERESNET50.stages[3])},
                r"stages\[3\].se: timm cannot express 0.0625 in a ResNet",
            ),
        ):
            with pytest.raises(UserError, match=message):
                timm_definition(zoo("resnet50").replace(**fields))

    def test_ratios_of_inner_channels(self) -> None:
        arch = Arch(
            stages=(Stage(expand=4, channels=32, se=0.5),), se=SqueezeExcite(reduce="inner")
        )
        assert timm_definition(arch).arch_def == (("ir_r1_k3_s1_e4_c32_se2.0",),)

    def test_convnext_tiny(self) -> None:
        definition = timm_definition(zoo("convnext_tiny"))
        assert (definition.model, definition.arch_def) == ("ConvNeXt", ())
        arguments = dict(definition.arguments)
        assert "norm_layer" not in arguments
        assert arguments["depths"] == "(3, 3, 9, 3)"
        assert arguments["dims"] == "(96, 192, 384, 768)"
        assert arguments["kernel_sizes"] == "(7, 7, 7, 7)"
        assert arguments["drop_path_rate"] == "0.1"

    def test_what_its_convnexts_cannot(self) -> None:
        tiny = zoo("convnext_tiny")
        first, *rest = tiny.stages
        for fields, message in (
            (
                {"stem": Stem(channels=96)},
                "stem: timm cannot express a ConvNeXt's other than",
            ),
            ({"stages": (first,)}, "stages: timm cannot express 1 of a ConvNeXt, other than four"),
            (
                {"stages": (first.replace(expand=3), *rest)},
                r"stages\[0\].expand: timm cannot express 3 in a ConvNeXt",
            ),
            (
                {"stages": (first.replace(channels=64), *rest)},
                r"stages\[0\].channels: timm cannot express other than the stem's",
            ),
            ({"head": Head()}, r"stem.kind: timm cannot express patch before such blocks"),
        ):
            with pytest.raises(UserError, match=message):
                timm_definition(tiny.replace(**fields))

    def test_groups_become_group_sizes(self) -> None:
        stage = Stage(op="fused", expand=2, channels=64, groups=4, repeats=3)
        assert timm_definition(Arch(stages=(stage,))).arch_def == (
            ("er_r1_k3_s1_e2_c64_gs16", "er_r2_k3_s1_e2_c64_gs32"),
        )
