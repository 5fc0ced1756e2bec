"""Cost is exact: against published figures, against the built module, against fvcore."""

import math
import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from nas.networks.cost import Cost, block_cost, cost, cost_and_capacity
from nas.networks.cost_check import PartCheck, check_cost
from nas.networks.layers import ACTIVATION_MODULES
from nas.networks.model import build
from search_spaces.arch import Arch
from search_spaces.blocks import blocks
from search_spaces.scaling import scale
from search_spaces.stage import Stage
from search_spaces.zoo import zoo
from strategies import archs

# Parameters and MACs of a public reference implementation, exact to the unit.
EFFICIENTNETS = {  # width, depth, resolution, params, MACs
    "B0": (1.0, 1.0, 224, 5288548, 385814752),
    "B1": (1.0, 1.1, 240, 7794184, 686802832),
    "B2": (1.1, 1.2, 260, 9109994, 993561872),
    "B3": (1.2, 1.4, 300, 12233232, 1827141392),
    "B4": (1.4, 1.8, 380, 19341616, 4393771024),
    "B5": (1.6, 2.2, 456, 30389784, 10266384752),
    "B6": (1.8, 2.6, 528, 43040704, 19067593536),
    "B7": (2.0, 3.1, 600, 66347960, 37745884192),
}
OTHERS = {
    "mobilenet_v1": (4231976, 568740352),
    "mobilenet_v2": (3504872, 300774272),
    "mnasnet_b1": (4383312, 314415872),
    "mnasnet_a1": (3887038, 311579072),
    "resnet50": (25557032, 4089184256),
    "resnet152": (60192808, 11513626624),
}


def counted(arch: Arch) -> tuple[int, int, int]:
    """Parameters, MACs and elements that its convs, and linear layers over maps, write, of the
    built module on the meta device."""
    written = 0

    def count(_: nn.Module, __: object, output: torch.Tensor) -> None:
        nonlocal written
        written += output.numel() if output.ndim == 4 else 0

    with torch.device("meta"):
        model = build(arch).eval()
        images = torch.empty(1, arch.in_channels, arch.resolution, arch.resolution)
    params = sum(p.numel() for p in model.parameters())
    leave_out_elementwise(model)
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(count)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(images)
    return params, counter.get_total_flops() // 2, written


def leave_out_elementwise(model: nn.Module) -> None:
    """They count nothing, and on the meta device take most of the time."""
    gates = (nn.Sigmoid, nn.Hardsigmoid)
    elementwise = (nn.BatchNorm2d, nn.LayerNorm, *ACTIVATION_MODULES, *gates)
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, elementwise):
                setattr(module, name, nn.Identity())


class TestPublished:
    @pytest.mark.parametrize("name", EFFICIENTNETS)
    def test_efficientnets(self, name: str) -> None:
        width, depth, resolution, params, macs = EFFICIENTNETS[name]
        arch = scale(zoo("efficientnet_b0"), depth, width, resolution)
        assert (cost(arch).params, cost(arch).macs) == (params, macs)

    @pytest.mark.parametrize("name", ["B0", "B7"])
    def test_built_efficientnets(self, name: str) -> None:
        width, depth, resolution, params, macs = EFFICIENTNETS[name]
        arch = scale(zoo("efficientnet_b0"), depth, width, resolution)
        assert counted(arch)[:2] == (params, macs)

    @pytest.mark.parametrize("name", OTHERS)
    def test_other_networks(self, name: str) -> None:
        assert (cost(zoo(name)).params, cost(zoo(name)).macs) == OTHERS[name]

    def test_parameters_of_newer_networks(self) -> None:
        assert cost(zoo("mobilenet_v3_large")).params == 5483032
        assert cost(zoo("efficientnet_v2_s")).params == 21458488


@settings(max_examples=250)
@given(archs())
def test_equals_the_built_module(arch: Arch) -> None:
    priced = cost(arch)
    assert (priced.params, priced.macs, priced.activations) == counted(arch)


@pytest.mark.parametrize(
    "name", ["efficientnet_b0", "mnasnet_a1", "mobilenet_v1", "mobilenet_v3_large", "resnet50"]
)
def test_fvcore_and_torch_agree_in_every_part(name: str) -> None:
    arch = zoo(name).replace(resolution=64)
    *parts, whole = check_cost(arch)
    assert [part.part for part in parts][:2] == ["stem", "stage 0"]
    assert all(check.agrees for check in (*parts, whole))
    assert whole.macs == cost(arch).macs == sum(part.macs for part in parts)
    assert whole.fvcore_others == sum(part.fvcore_others for part in parts) > 0


@settings(max_examples=20, deadline=None)
@given(archs())
def test_fvcore_and_torch_agree_on_any_network(arch: Arch) -> None:
    assert all(check.agrees for check in check_cost(arch))


def test_a_count_that_differs_does_not_agree() -> None:
    check = PartCheck(part="stem", macs=1, fvcore=1, fvcore_others=0, torch=2)
    assert not check.agrees


class TestCapacity:
    @pytest.mark.parametrize("name", ["efficientnet_b0", "mnasnet_a1", "mobilenet_v2"])
    def test_is_the_sum_of_the_stages_roots(self, name: str) -> None:
        with torch.device("meta"):
            model = build(zoo(name)).eval()
            images = torch.empty(1, 3, 224, 224)
        parts = [nn.ModuleList([model.conv_stem, model.bn1]), *model.blocks]
        written = [0] * len(parts)

        def count(part: int, output: torch.Tensor) -> None:
            written[part] += output.numel()

        for index, part in enumerate(parts):
            for module in part.modules():
                if isinstance(module, nn.Conv2d):
                    module.register_forward_hook(lambda _, __, y, at=index: count(at, y))
        with torch.no_grad():
            model(images)
        _, capacity = cost_and_capacity(zoo(name))
        params = [sum(p.numel() for p in part.parameters()) for part in parts]
        assert math.isclose(capacity.params, sum(map(math.sqrt, params)))
        assert math.isclose(capacity.activations, sum(map(math.sqrt, written)))

    @given(archs())
    def test_comes_with_the_cost(self, arch: Arch) -> None:
        priced, capacity = cost_and_capacity(arch)
        assert priced == cost(arch)
        assert 0 < capacity.params <= math.sqrt((1 + len(arch.stages)) * priced.params)
        assert 0 < capacity.activations <= math.sqrt((1 + len(arch.stages)) * priced.activations)


class TestPeak:
    def arch(self, *stages: Stage) -> Arch:
        return Arch(resolution=32, stages=stages)

    def test_a_skip_keeps_its_input(self) -> None:
        narrow = Stage(expand=6, channels=32, skip=False)
        without = block_cost(blocks(self.arch(narrow))[0])
        skip = Stage(expand=6, channels=32)
        with_skip = block_cost(blocks(self.arch(skip))[0])
        assert without.peak_activations == 2 * (6 * 32) * 16**2
        assert with_skip.peak_activations == without.peak_activations + 32 * 16**2

    def test_efficientnet_b0_peaks_in_its_first_expansion(self) -> None:
        # The 96 channels at 112 px and what the depthwise conv of stride 2 makes of them.
        assert cost(zoo("efficientnet_b0")).peak_activations == 96 * (112**2 + 56**2)

    def test_projection_of_a_bottleneck(self) -> None:
        stage = Stage(op="bottleneck", expand=0.25, channels=128)
        block = block_cost(blocks(self.arch(stage))[0])
        assert block.peak_activations == (32 + 128 + 128) * 16**2

    def test_bytes(self) -> None:
        priced = Cost(params=10, macs=1, activations=1, peak_activations=7)
        assert (priced.weight_bytes, priced.peak_activation_bytes) == (40, 28)


def test_pricing_needs_no_torch() -> None:
    code = (
        "import sys, nas.networks.cost as c, search_spaces.zoo as z; c.cost(z.zoo('resnet50'));"
        "sys.exit(any(name in sys.modules for name in ('torch', 'optuna', 'ray', 'plotly')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
