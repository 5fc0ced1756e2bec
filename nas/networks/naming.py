"""Other names for the same weights, one to one.

Ours are timm's for EfficientNets, MobileNets and MnasNets. Two more ways to name them:

    ours                          timm's and torchvision's ResNets
    conv_stem, classifier         conv1, fc
    blocks.<s>.<b>                layer<s + 1>.<b>
    se.conv_reduce, _expand       se.fc1, se.fc2

    ours                          torchvision's EfficientNets
    conv_stem, bn1                features.0.0, features.0.1
    blocks.<s>.<b>                features.<s + 1>.<b>.block, and in it, <i> counting the layers:
      its convs and their norms     <i>.0, <i>.1
      se.conv_reduce, _expand       <i>.fc1, <i>.fc2
    conv_head, bn2                features.<stages + 1>.0, features.<stages + 1>.1
    classifier                    classifier.1
"""

from collections.abc import Iterable, Iterator, Mapping

from search_spaces.arch import Arch
from search_spaces.blocks import Block, BlockOp, blocks_by_stage

Renaming = Mapping[str, str]
"""Our name of each weight, and another's."""

_LAYERS: Mapping[BlockOp, tuple[tuple[str, str], ...]] = {
    "mbconv": (("conv_pw", "bn1"), ("conv_dw", "bn2"), ("se", "se"), ("conv_pwl", "bn3")),
    "dsconv": (("conv_dw", "bn1"), ("se", "se"), ("conv_pw", "bn2")),
    "fused": (("conv_exp", "bn1"), ("se", "se"), ("conv_pwl", "bn2")),
    "conv": (("conv", "bn1"), ("se", "se")),
}


def timm_names(arch: Arch, weights: Iterable[str]) -> Renaming:
    """timm's names of the weights, ours unless it builds the network as a ResNet."""
    return resnet_names(weights) if is_resnet(arch) else {name: name for name in weights}


def is_resnet(arch: Arch) -> bool:
    """Whether timm builds the network as a ResNet, and names its weights so."""
    return arch.head.kind == "pool" and all(stage.op == "bottleneck" for stage in arch.stages)


def resnet_names(weights: Iterable[str]) -> Renaming:
    """The names timm and torchvision give a ResNet's weights."""
    return {name: _resnet_name(name) for name in weights}


def _resnet_name(name: str) -> str:
    first, *rest = name.split(".")
    if first == "blocks":
        first, rest = f"layer{int(rest[0]) + 1}", rest[1:]
    first = {"conv_stem": "conv1", "classifier": "fc"}.get(first, first)
    within = {"conv_reduce": "fc1", "conv_expand": "fc2"}
    return ".".join([first, *(within.get(part, part) for part in rest)])


def torchvision_names(arch: Arch, weights: Iterable[str]) -> Renaming:
    """The names torchvision gives an EfficientNet's weights."""
    modules = dict(_torchvision_modules(arch))

    def renamed(name: str) -> str:
        module, _, tensor = name.rpartition(".")
        return f"{modules.get(module, module)}.{tensor}"

    return {name: renamed(name) for name in weights}


def _torchvision_modules(arch: Arch) -> Iterator[tuple[str, str]]:
    yield from (("conv_stem", "features.0.0"), ("bn1", "features.0.1"))
    stage, index = -1, 0
    for spec, laid in zip(arch.stages, blocks_by_stage(arch), strict=True):
        stage, index = (stage, index) if spec.continues else (stage + 1, 0)
        for block in laid:
            ours, theirs = f"blocks.{stage}.{index}", f"features.{stage + 1}.{index}.block"
            yield from ((f"{ours}.{a}", f"{theirs}.{b}") for a, b in _torchvision_layers(block))
            index += 1
    yield from (("conv_head", f"features.{stage + 2}.0"), ("bn2", f"features.{stage + 2}.1"))
    yield "classifier", "classifier.1"


def _torchvision_layers(block: Block) -> Iterator[tuple[str, str]]:
    layers = [pair for pair in _LAYERS.get(block.op, ()) if block.se_channels or pair[0] != "se"]
    for position, (conv, norm) in enumerate(layers):
        if conv == "se":
            yield from (
                ("se.conv_reduce", f"{position}.fc1"),
                ("se.conv_expand", f"{position}.fc2"),
            )
        else:
            yield from ((conv, f"{position}.0"), (norm, f"{position}.1"))
