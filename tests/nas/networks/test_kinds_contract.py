"""What every kind of block keeps to, as the built module has it."""

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from nas.networks.blocks import BLOCKS, make_block
from nas.networks.cost import block_cost, cost
from nas.networks.export import export_onnx
from nas.networks.model import Network, build
from nas.networks.naming import named_layers, state_names, timm_names, torchvision_names
from nas.networks.timm_export import timm_definition
from nas.training.initial import start_near_identity
from samples import sample, sample_stage
from search_spaces.blocks import blocks
from search_spaces.errors import UserError
from search_spaces.kinds import KINDS
from search_spaces.kinds.base import Block, Kind
from search_spaces.kinds.layers import Conv, Layer, Linear, Norm, Scale
from search_spaces.stage import Stage

each_kind = pytest.mark.parametrize("op", KINDS)


def on_meta(op: str) -> Network:
    with torch.device("meta"):
        return build(sample(op)).eval()


def odd_layers(block: Block, module: nn.Module) -> list[str]:
    """How a block's module differs from what its kind says of its layers."""
    told = {layer.name: layer for layer in block.layers()}
    odd = [name for name, layer in told.items() if not _is(layer, _at(module, name))]
    built = {name.rpartition(".")[0] or name for name, _ in module.named_parameters()}
    return odd + sorted(built - set(told))


def _at(module: nn.Module, name: str) -> object:
    parent, _, last = name.rpartition(".")
    try:
        return getattr(module.get_submodule(parent), last, None)
    except AttributeError:
        return None


def _is(layer: Layer, found: object) -> bool:
    match layer, found:
        case Conv(), nn.Conv2d():
            shape = (layer.inputs, layer.outputs, layer.kernel, layer.stride, layer.groups)
            made = (found.in_channels, found.out_channels, found.kernel_size[0], found.stride[0])
            return shape == (*made, found.groups) and layer.bias == (found.bias is not None)
        case Linear(), nn.Linear():
            return (layer.inputs, layer.outputs) == (found.in_features, found.out_features)
        case Norm(kind="batch"), nn.BatchNorm2d():
            return layer.channels == found.num_features
        case Norm(kind="layer"), nn.LayerNorm():
            return (layer.channels,) == found.normalized_shape
        case Scale(), nn.Parameter():
            return (layer.channels,) == tuple(found.shape)
    return False


@each_kind
def test_a_kind_has_a_module_of_the_layers_it_names(op: str) -> None:
    for block, module in on_meta(op).named_blocks():
        assert block.kind.name in BLOCKS
        assert odd_layers(block, module) == []


def test_every_module_is_of_a_kind() -> None:
    unexpanded = {k.unexpanded.name for k in KINDS.values() if k.unexpanded is not None}
    assert set(BLOCKS) == set(KINDS) | unexpanded


def test_a_kind_that_lacks_a_module_or_a_layer_is_found_out() -> None:
    block, module = next(on_meta("mbconv").named_blocks())
    for lacking in (block.layers()[1:], (*block.layers(), Scale("gamma", 8))):
        kind = Kind(name="lacking", code="lk", takes=frozenset(), layers=lambda _, of=lacking: of)
        other = Block(
            kind=kind,
            **{name: getattr(block, name) for name in Block.__slots__ if name != "kind"},
        )
        assert odd_layers(other, module) != []
        with pytest.raises(KeyError, match="lacking"):
            make_block(other, sample("mbconv"), 0.0)


@each_kind
def test_names_of_weights_are_those_of_the_state_dict(op: str) -> None:
    state = on_meta(op).state_dict()
    assert set(state_names(sample(op))) == set(state)
    assert len(list(state_names(sample(op)))) == len(state)
    for names in (timm_names(sample(op), state), torchvision_names(sample(op), state)):
        assert len(set(names.values())) == len(state)


@each_kind
def test_the_cost_is_the_built_modules(op: str) -> None:
    model = on_meta(op)
    arch = sample(op)
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        model(torch.empty(1, 3, arch.resolution, arch.resolution))
    assert cost(arch).params == sum(p.numel() for p in model.parameters())
    assert cost(arch).macs == counter.get_total_flops() // 2
    assert cost(arch).params == sum(layer.params for _, layer in named_layers(arch))


@each_kind
def test_the_cost_of_each_block_is_its_own_modules(op: str) -> None:
    for block, module in on_meta(op).named_blocks():
        with torch.device("meta"), FlopCounterMode(display=False) as counter:
            out = module(torch.empty(1, block.in_channels, block.size, block.size))
        assert tuple(out.shape[1:]) == (block.channels, block.out_size, block.out_size)
        assert block_cost(block).macs == counter.get_total_flops() // 2
        assert block_cost(block).params == sum(p.numel() for p in module.parameters())


@each_kind
def test_the_norm_that_ends_a_branch_makes_the_block_the_identity(op: str) -> None:
    model = build(sample(op).replace(drop_path=0.0)).eval()
    start_near_identity(model)
    for block, module in model.named_blocks():
        x = torch.randn(2, block.in_channels, block.size, block.size)
        if block.skip and block.kind.last_norm is not None and not block.reshapes:
            # Bottlenecks end with an activation after the addition.
            positive = x.clamp(min=3) if block.activation == "hard_swish" else x.relu()
            torch.testing.assert_close(module(positive), positive)


def test_exported_to_onnx_a_network_of_every_kind_gives_the_same_logits(tmp_path: Path) -> None:
    stages = tuple(sample_stage(op, stride=1, repeats=1) for op in KINDS)
    arch = sample("mbconv").replace(resolution=16, stages=(Stage(channels=8), *stages))
    assert export_onnx(arch, tmp_path / "all.onnx") <= 1e-4


@each_kind
def test_timm_has_block_strings_for_it_or_it_is_refused_beside_others(op: str) -> None:
    mixed = sample("mbconv").replace(stages=(Stage(channels=8), Stage(op=op, channels=16)))
    if KINDS[op].timm is None:
        with pytest.raises(UserError, match=rf"^stages\[1\].op: timm cannot express {op} beside"):
            timm_definition(mixed)
    else:
        assert len(timm_definition(mixed).arch_def) == 2


@each_kind
def test_branches_are_dropped_more_and_more(op: str) -> None:
    model = build(sample(op).replace(drop_path=0.3))
    rates = [
        getattr(module.drop_path, "rate", 0.0) if hasattr(module, "drop_path") else 0.0
        for _, module in model.named_blocks()
    ]
    assert rates == sorted(rates)
    assert len(blocks(sample(op))) == len(rates)
