"""The modules that are written for timm, run beside a stand-in of its registry.

What timm itself makes of them is compared by benchmarks/timm_hub_check.py, where timm is at hand.
"""

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from nas.networks.timm_export import timm_function, timm_source
from nas.networks.timm_known import timm_architecture
from search_spaces.arch import Arch
from search_spaces.ends import Head, Stem
from search_spaces.scaling import scale
from search_spaces.stage import BatchNorm, Stage
from search_spaces.zoo import ZOO, zoo

MADE = dict[str, Any]


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Callable[..., MADE]]]:
    """Entry points by name, as timm's `register_model` keeps them; each gives what it was told."""
    registered: dict[str, Callable[..., MADE]] = {}

    def register_model(function: Callable[..., MADE]) -> Callable[..., MADE]:
        assert function.__module__ in sys.modules  # timm looks there for default_cfgs
        registered[function.__name__] = function
        return function

    def create(kind: str) -> Callable[..., MADE]:
        return lambda variant, pretrained=False, **kwargs: {
            "kind": kind,
            "variant": variant,
            "pretrained": pretrained,
            **kwargs,
        }

    names: dict[str, dict[str, Any]] = {
        "timm": {},
        "timm.layers": {"get_act_layer": str, "SEModule": dict},
        "timm.models": {"register_model": register_model, "generate_default_cfgs": dict},
        "timm.models._efficientnet_blocks": {"SqueezeExcite": dict},
        "timm.models._efficientnet_builder": {"decode_arch_def": list, "round_channels": int},
        "timm.models.efficientnet": {"_create_effnet": create("EfficientNet")},
        "timm.models.mobilenetv3": {"_create_mnv3": create("MobileNetV3")},
        "timm.models.resnet": {"_create_resnet": create("ResNet"), "Bottleneck": "Bottleneck"},
        "timm.models.convnext": {"_create_convnext": create("ConvNeXt")},
    }
    for name, members in names.items():
        module = ModuleType(name)
        vars(module).update(members)
        monkeypatch.setitem(sys.modules, name, module)
    yield registered
    for name in registered:
        sys.modules.pop(name, None)


def imported(arch: Arch, folder: Path) -> ModuleType:
    name = timm_function(arch)
    path = folder / f"{name}.py"
    path.write_text(timm_source(arch))
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("arch", ZOO.values(), ids=ZOO)
def test_importing_the_module_registers_the_network(
    registry: dict[str, Callable[..., MADE]], tmp_path: Path, arch: Arch
) -> None:
    module = imported(arch, tmp_path)
    name = f"nas_{arch.name}"
    assert list(registry) == [name]
    config = module.default_cfgs[name]
    assert config["num_classes"] == arch.num_classes
    assert config["input_size"] == (3, arch.resolution, arch.resolution)
    made = registry[name]()
    assert (made["variant"], made["pretrained"]) == (name, False)
    assert made["num_classes"] == arch.num_classes
    assert made["drop_rate"] == arch.dropout


def test_who_creates_a_model_may_ask_for_something_else(
    registry: dict[str, Callable[..., MADE]], tmp_path: Path
) -> None:
    imported(zoo("efficientnet_b0"), tmp_path)
    made = registry["nas_efficientnet_b0"](
        pretrained=True, num_classes=3, drop_rate=0.5, features_only=True
    )
    assert (made["num_classes"], made["drop_rate"], made["pretrained"]) == (3, 0.5, True)
    assert made["features_only"] is True
    assert made["block_args"][0] == ["ds_r1_k3_s1_e1_c16_se0.25"]


@pytest.mark.parametrize("name", ["my net: b0'\"", '"""; import os', "7", "class", "-", "Ünet"])
def test_a_name_is_never_code(
    registry: dict[str, Callable[..., MADE]], tmp_path: Path, name: str
) -> None:
    imported(zoo("efficientnet_b0").replace(name=name), tmp_path)
    (function,) = registry
    assert function.isidentifier()
    assert function.startswith("nas_")


class TestKnown:
    @pytest.mark.parametrize(
        ("name", "theirs"),
        [
            ("efficientnet_b0", "efficientnet_b0"),
            ("mnasnet_a1", "semnasnet_100"),
            ("mobilenet_v3_large", "mobilenetv3_large_100"),
            ("resnet152", "resnet152"),
            ("efficientnet_v2_s", "efficientnetv2_s"),
            ("convnext_tiny", "convnext_tiny"),
        ],
    )
    def test_networks_of_the_zoo_have_timms_names(self, name: str, theirs: str) -> None:
        arch = zoo(name).replace(name="mine", num_classes=5, resolution=96, dropout=0.3)
        architecture = timm_architecture(arch)
        assert (architecture.name, architecture.known) == (theirs, True)
        assert architecture.arguments["drop_rate"] == 0.3
        assert set(architecture.arguments) == {"drop_rate", "drop_path_rate"}

    def test_scaled_efficientnets_too(self) -> None:
        b3 = scale(zoo("efficientnet_b0"), 1.4, 1.2, 300)
        assert timm_architecture(b3).name == "efficientnet_b3"
        tf_b3 = scale(zoo("tf_efficientnet_b0"), 1.4, 1.2, 300)
        assert timm_architecture(tf_b3).name == "tf_efficientnet_b3"

    def test_resnets_and_convnexts_of_other_sizes_are_arguments(self) -> None:
        resnet = zoo("resnet50")
        stages = tuple(stage.replace(repeats=2) for stage in resnet.stages)
        architecture = timm_architecture(resnet.replace(stages=stages))
        assert (architecture.name, architecture.known) == ("resnet50", True)
        assert architecture.arguments["layers"] == (2, 2, 2, 2)
        convnext = zoo("convnext_tiny")
        stages = tuple(stage.replace(kernel=5) for stage in convnext.stages)
        architecture = timm_architecture(convnext.replace(stages=stages))
        assert architecture.name == "convnext_tiny"
        assert architecture.arguments["kernel_sizes"] == (5, 5, 5, 5)

    def test_whatever_differs_needs_a_module(self) -> None:
        b0 = zoo("efficientnet_b0")
        for arch in (
            b0.replace(name="deep", stages=(b0.stages[0].replace(repeats=2), *b0.stages[1:])),
            b0.replace(name="eps", batch_norm=BatchNorm(eps=1e-4)),
            zoo("resnet50").replace(name="eps", batch_norm=BatchNorm(eps=1e-4)),
        ):
            architecture = timm_architecture(arch)
            assert (architecture.name, architecture.known) == (f"nas_{arch.name}", False)
            assert not architecture.arguments

    def test_a_network_for_enormous_images_is_looked_up_as_well(self) -> None:
        stages = tuple(Stage(channels=8, stride=2) for _ in range(4))
        arch = Arch(name="x", resolution=65536, stem=Stem(), stages=stages, head=Head())
        assert timm_architecture(arch).name == "nas_x"
