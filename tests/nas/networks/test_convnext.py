"""ConvNeXt-T: published size and names, priced, searched, scaled, exported, stochastic depth."""

import random
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from nas.networks.cost import cost
from nas.networks.cost_check import check_cost
from nas.networks.export import export_onnx
from nas.networks.layers import DropPath
from nas.networks.model import build
from nas.networks.weights import save_weights, timm_state_dict
from search_spaces.arch import Arch
from search_spaces.scaling import scale
from search_spaces.space import load_space
from search_spaces.stage import Stage
from search_spaces.zoo import zoo

TINY = zoo("convnext_tiny")


def slim(**fields: object) -> Arch:
    return scale(TINY, 0.34, 0.125, 64).replace(num_classes=5, **fields)


def test_parameters_and_macs_are_the_published_ones() -> None:
    # timm's convnext_tiny: 28.59 M parameters, 4.46 GMACs, 13.44 M activations at 224 px.
    priced = cost(TINY)
    assert priced.params == 28_589_128
    assert (priced.macs, priced.activations) == (4_455_531_264, 13_434_624)


@pytest.mark.parametrize("resolution", [64, 75])
def test_fvcore_and_torch_count_the_same(resolution: int) -> None:
    assert all(check.agrees for check in check_cost(slim().replace(resolution=resolution)))


def test_weights_bear_timms_names_and_come_back(tmp_path: Path) -> None:
    model, path = build(slim()), tmp_path / "tiny.safetensors"
    save_weights(model, path)
    shapes = {name: tuple(tensor.shape) for name, tensor in load_file(path).items()}
    block = "stages.1.blocks.0"
    for name, shape in {
        "stem.0.weight": (16, 3, 4, 4),
        "stem.1.bias": (16,),
        "stages.1.downsample.0.weight": (16,),
        "stages.1.downsample.1.weight": (24, 16, 2, 2),
        f"{block}.conv_dw.weight": (24, 1, 7, 7),
        f"{block}.conv_dw.bias": (24,),
        f"{block}.norm.weight": (24,),
        f"{block}.mlp.fc1.weight": (96, 24),
        f"{block}.mlp.fc2.bias": (24,),
        f"{block}.gamma": (24,),
        "head.norm.weight": (96,),
        "head.fc.weight": (5, 96),
    }.items():
        assert shapes[name] == shape, name
    again = build(slim(), weights=path)
    for name, tensor in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor)
    with torch.device("meta"):
        assert len(timm_state_dict(build(TINY))) == 182


def test_layer_scale_starts_at_a_millionth() -> None:
    model = build(slim())
    assert all(bool((block.gamma == 1e-6).all()) for stage in model.blocks for block in stage)
    assert model.blocks[2][0].mlp.fc1.weight.std().item() == pytest.approx(0.02, rel=0.05)


def test_stochastic_depth_reaches_its_full_rate_with_the_last_block() -> None:
    with torch.device("meta"):
        model = build(TINY)
    rates = [getattr(m.drop_path, "rate", 0.0) for _, m in model.named_blocks()]
    assert rates == pytest.approx(torch.linspace(0, 0.1, 18).tolist())
    assert sum(isinstance(m, DropPath) for m in model.modules()) == 17


def test_a_block_that_does_nothing_leaves_the_rates_of_the_others() -> None:
    arch = slim().replace(drop_path=0.3)
    left_out = Stage(op="identity", channels=arch.stages[-1].channels, repeats=2)
    longer = arch.replace(stages=(*arch.stages, left_out))
    with torch.device("meta"):
        rates, others = (
            [
                getattr(getattr(m, "drop_path", None), "rate", 0.0)
                for _, m in build(a).named_blocks()
            ]
            for a in (arch, longer)
        )
    assert longer.key() == arch.key()
    assert max(rates) == pytest.approx(0.3)
    assert others == [*rates, 0.0, 0.0]


def test_odd_maps_are_halved_downwards_as_timms_are() -> None:
    # 75 px: 18 after the patches, then 9, 4, 2.
    arch = slim().replace(resolution=75)
    with torch.no_grad():
        maps = build(arch).eval()
        x = maps.norm1(maps.conv_stem(torch.randn(1, 3, 75, 75)))
        sides = [x.shape[-1]]
        for stage in maps.blocks:
            x = stage(x)
            sides.append(x.shape[-1])
    assert sides == [18, 18, 9, 4, 2]


def test_kernels_and_expansions_are_searched() -> None:
    space = load_space({"base": "convnext_tiny", "vary": {"kernel": [5, 7, 9], "expand": [2, 4]}})
    assert space.size == 6**4
    assert space.decode(space.encode(TINY)).key() == TINY.key()
    params = space.sample(random.Random(0))
    small = space.decode({name: 5 if "kernel" in name else 2 for name in params})
    assert cost(small).params < cost(TINY).params
    assert space.encode(small) == {name: 5 if "kernel" in name else 2 for name in params}


def test_it_grows_in_every_dimension() -> None:
    grown = scale(TINY, 1.5, 1.25, 288)
    assert [stage.repeats for stage in grown.stages] == [5, 5, 14, 5]
    assert [stage.channels for stage in grown.stages] == [120, 240, 480, 960]
    assert grown.stem.channels == 120
    with torch.device("meta"):
        model = build(grown)
    assert sum(p.numel() for p in model.parameters()) == cost(grown).params


def test_it_is_exported_to_onnx(tmp_path: Path) -> None:
    assert export_onnx(slim(), tmp_path / "tiny.onnx") <= 1e-4
