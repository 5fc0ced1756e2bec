"""Other names for the same weights, one to one.

Ours are timm's for EfficientNets, MobileNets and MnasNets. timm has other classes for networks
made of one kind of block, such as ResNets, and a kind says what the weights are called there:

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
from search_spaces.blocks import blocks_by_stage, stage_sizes
from search_spaces.ends import head_layers, stem_layers
from search_spaces.kinds import KINDS
from search_spaces.kinds.base import Block, Kind
from search_spaces.kinds.layers import Conv, Layer, Linear, Norm

Renaming = Mapping[str, str]
"""Our name of each weight, and another's."""


def state_names(arch: Arch) -> Iterator[str]:
    """The names of all weights and statistics of the built network, in order."""
    for module, layer in named_layers(arch):
        yield from (f"{module}{tensor}" for tensor in _tensors(layer))


def named_layers(arch: Arch) -> Iterator[tuple[str, Layer]]:
    """Every layer of the network, by the name of its module in it, in the order they run."""
    yield from _under("", stem_layers(arch.stem, arch.in_channels, arch.resolution))
    for place, block in numbered_blocks(arch):
        yield from _under(f"blocks.{place}.", block.layers())
    yield from _under("", head_layers(arch.head, *stage_sizes(arch)[-1], arch.num_classes))


def numbered_blocks(arch: Arch) -> Iterator[tuple[str, Block]]:
    """Every block with its stage and place in it, as in `1.0`; a stage that continues another
    goes on with that one's numbers."""
    stage, index = -1, 0
    for spec, laid in zip(arch.stages, blocks_by_stage(arch), strict=True):
        stage, index = (stage, index) if spec.continues else (stage + 1, 0)
        for block in laid:
            yield f"{stage}.{index}", block
            index += 1


def timm_names(arch: Arch, weights: Iterable[str]) -> Renaming:
    """timm's names of the weights, ours unless it has a class of its own for such networks."""
    kind = timm_family(arch)
    if kind is None or kind.timm_name is None:
        return {name: name for name in weights}
    return {name: kind.timm_name(name) for name in weights}


def timm_family(arch: Arch) -> Kind | None:
    """The kind of all the network's blocks, where timm has a class of its own for such networks."""
    kind = KINDS[arch.stages[0].op]
    alone = {stage.op for stage in arch.stages} == {kind.name}
    return kind if alone and kind.timm_name and arch.head.kind == kind.timm_head else None


def family_names(weights: Iterable[str]) -> Iterator[Renaming]:
    """The names of the weights in each of the classes that timm has for one kind of block."""
    weights = tuple(weights)
    for kind in KINDS.values():
        if kind.timm_name is not None:
            yield {name: kind.timm_name(name) for name in weights}


def torchvision_names(arch: Arch, weights: Iterable[str]) -> Renaming:
    """The names torchvision gives an EfficientNet's weights."""
    modules = dict(_torchvision_modules(arch))

    def renamed(name: str) -> str:
        module, _, tensor = name.rpartition(".")
        return f"{modules.get(module, module)}.{tensor}"

    return {name: renamed(name) for name in weights}


def _torchvision_modules(arch: Arch) -> Iterator[tuple[str, str]]:
    yield from (("conv_stem", "features.0.0"), ("bn1", "features.0.1"))
    last = 0
    for place, block in numbered_blocks(arch):
        stage, _, index = place.partition(".")
        last = int(stage) + 1
        for ours, theirs in _torchvision_layers(block):
            yield f"blocks.{place}.{ours}", f"features.{last}.{index}.block.{theirs}"
    yield from (("conv_head", f"features.{last + 1}.0"), ("bn2", f"features.{last + 1}.1"))
    yield "classifier", "classifier.1"


def _torchvision_layers(block: Block) -> Iterator[tuple[str, str]]:
    """Convs and their norms are numbered together, and so are the two convs of SE."""
    position = -1
    squeezing = False
    for layer in block.layers():
        if isinstance(layer, Conv) and layer.path == "squeeze":
            position += not squeezing
            yield layer.name, f"{position}.{'fc2' if squeezing else 'fc1'}"
            squeezing = True
        elif isinstance(layer, Conv):
            position += 1
            yield layer.name, f"{position}.0"
        elif isinstance(layer, Norm):
            yield layer.name, f"{position}.1"


def _under(prefix: str, layers: Iterable[Layer]) -> Iterator[tuple[str, Layer]]:
    return ((f"{prefix}{layer.name}", layer) for layer in layers)


def _tensors(layer: Layer) -> tuple[str, ...]:
    """What follows a layer's name in the names of its tensors."""
    match layer:
        case Conv(bias=False):
            return (".weight",)
        case Conv() | Linear():
            return ".weight", ".bias"
        case Norm(kind="batch"):
            statistics = ("running_mean", "running_var", "num_batches_tracked")
            return ".weight", ".bias", *(f".{name}" for name in statistics)
        case Norm():
            return ".weight", ".bias"
    return ("",)
