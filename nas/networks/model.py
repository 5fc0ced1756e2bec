"""An Arch as a PyTorch module."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path

from torch import Tensor, nn
from torch.nn import functional as F

from nas.networks.blocks import make_block
from nas.networks.features import FeatureInfo, feature_info
from nas.networks.gradient_checkpointing import checkpointed
from nas.networks.layers import Classifier, Conv, LayerNorm, MaxPool, activate, normalise
from nas.networks.weights import load_weights
from search_spaces.arch import Arch
from search_spaces.blocks import blocks, blocks_by_stage
from search_spaces.kinds.base import Block

BlockMaker = Callable[[str, Block, Arch, float], nn.Module]
"""Gives the module of a block of a network: takes its place, `1.0`, the block, the network, and the
rate at which its branch is dropped."""


def new_block(place: str, block: Block, arch: Arch, drop_path: float) -> nn.Module:
    """Make the module of a block, wherever it stands."""
    return make_block(block, arch, drop_path)


class Network(nn.Module):
    """The network `arch` describes. Takes (batch, in_channels, height, width) images of any size
    its strides leave something of, gives (batch, num_classes) logits.

    Weights bear timm's names: `conv_stem`, `blocks.<stage>.<block>.conv_pw`, `classifier`, …; and
    so do the methods that give features, change the classifier and save memory. `make_block` gives
    the modules of its blocks: new ones, or some that another network has too.
    """

    def __init__(self, arch: Arch, make_block: BlockMaker = new_block) -> None:
        super().__init__()
        self.arch = arch
        self.grad_checkpointing = False
        stem = arch.stem
        self.conv_stem = Conv(
            arch.in_channels,
            stem.channels,
            stem.kernel,
            stem.stride,
            bias=stem.kind == "patch",
            padding=arch.padding if stem.padded else None,
        )
        if stem.kind == "patch":
            self.norm1 = LayerNorm(stem.channels)
        else:
            self.bn1 = normalise(stem.channels, arch.batch_norm)
            self.act1 = activate(arch.activation)
        self.maxpool: nn.Module = MaxPool(arch.padding) if stem.pool else nn.Identity()
        self.blocks = _blocks(arch, make_block)
        features = arch.stages[-1].channels
        if arch.head.has_conv:
            pooled = arch.head.kind == "pooled_conv"
            self.conv_head = Conv(features, arch.head.channels, bias=pooled)
            features = arch.head.channels
            self.bn2 = nn.Identity() if pooled else normalise(features, arch.batch_norm)
            self.act2 = activate(arch.activation)
        if arch.head.kind == "pooled_norm":
            self.norm2 = LayerNorm(features)
        self.classifier: nn.Module = Classifier(features, arch.num_classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.forward_head(self.forward_features(images))

    def forward_features(self, images: Tensor) -> Tensor:
        """The last maps before the pool, (batch, num_features, height, width)."""
        x = self._stem(images)
        if self.grad_checkpointing and self.training:
            for _, block in self.named_blocks():
                x = checkpointed(block, x)
        else:
            x = self.blocks(x)
        if self.arch.head.kind == "conv":
            x = self.act2(self.bn2(self.conv_head(x)))
        return x

    def forward_head(self, features: Tensor, pre_logits: bool = False) -> Tensor:
        """(batch, num_classes) logits from what `forward_features` gives; or, before logits, the
        (batch, head_hidden_size) vectors that the classifier is fed."""
        x = F.dropout(self._pooled(features), self.arch.dropout, self.training)
        return x if pre_logits else self.classifier(x)

    @property
    def num_classes(self) -> int:
        """How many logits there are; 0 without a classifier."""
        classifier = self.classifier
        return classifier.out_features if isinstance(classifier, Classifier) else 0

    @property
    def num_features(self) -> int:
        """Channels of what `forward_features` gives."""
        arch = self.arch
        return arch.head.channels if arch.head.kind == "conv" else arch.stages[-1].channels

    @property
    def head_hidden_size(self) -> int:
        """The length of the vectors that the classifier is fed."""
        return self.arch.head.channels if self.arch.head.has_conv else self.arch.stages[-1].channels

    @property
    def feature_info(self) -> FeatureInfo:
        """Channels, reduction and module of the last maps at each size before the head."""
        return feature_info(self.arch)

    def get_classifier(self) -> nn.Module:
        """The last layer; an identity where there is none."""
        return self.classifier

    def reset_classifier(self, num_classes: int) -> None:
        """Put an untrained classifier of so many classes in place of the last layer.

        `arch` is then that of the new network. Of 0 classes there is no classifier: the network
        gives the vectors that one would be fed, and `arch` stays. Raises UserError for impossible
        numbers.
        """
        if num_classes == 0:
            self.classifier = nn.Identity()
            return
        self.arch = self.arch.replace(num_classes=num_classes)
        weight = self.conv_stem.weight
        classifier = Classifier(self.head_hidden_size, num_classes)
        self.classifier = classifier.to(weight.device, weight.dtype).train(self.training)

    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """Whether training keeps the input of each block alone and computes the rest again in the
        backward pass: less memory, a third more time, the same results."""
        self.grad_checkpointing = enable

    def named_blocks(self) -> Iterator[tuple[Block, nn.Module]]:
        """Every block's description and its module, in order."""
        modules = (block for stage in self.blocks.children() for block in stage.children())
        return zip(blocks(self.arch), modules, strict=True)

    def _stem(self, images: Tensor) -> Tensor:
        x = self.conv_stem(images)
        if self.arch.stem.kind == "patch":
            return self.norm1(x)  # type: ignore[no-any-return]
        return self.maxpool(self.act1(self.bn1(x)))  # type: ignore[no-any-return]

    def _pooled(self, x: Tensor) -> Tensor:
        """(batch, head_hidden_size) from what `forward_features` gives."""
        match self.arch.head.kind:
            case "conv" | "pool":
                return x.mean((2, 3))
            case "pooled_conv":
                x = x.mean((2, 3), keepdim=True)
                return self.act2(self.bn2(self.conv_head(x))).flatten(1)  # type: ignore[no-any-return]
            case "pooled_norm":
                return self.norm2(x.mean((2, 3)))  # type: ignore[no-any-return]


def build(arch: Arch, weights: str | Path | None = None, num_classes: int | None = None) -> Network:
    """`arch` as a module, on torch's default device.

    Initial weights are the paper's; or those of the `.safetensors` or `.pth` file, or
    of the model of the Hugging Face hub, that `weights` names.
    `num_classes` replaces the network's; where the file's classifier is of other classes, a new one
    takes its place and a warning is logged. Under `torch.device("meta")`, without `weights`, it
    takes no memory. Raises UserError for a file that does not fit the network.
    """
    model = Network(arch if num_classes is None else arch.replace(num_classes=num_classes))
    if weights is not None:
        load_weights(model, weights, swap_classifier=num_classes is not None)
    return model


def _blocks(arch: Arch, make: BlockMaker) -> nn.Sequential:
    """Stages of blocks, numbered as timm does: a stage that continues another adds to its number.

    Drop path grows linearly over the blocks that do something.
    """
    laid = blocks_by_stage(arch)
    doing = [block for stage in laid for block in stage if not block.is_nothing()]
    steps = max(1, len(doing) - doing[-1].kind.drops_fully) if doing else 1
    modules: list[list[nn.Module]] = []
    done = 0
    for stage, stage_blocks in zip(arch.stages, laid, strict=True):
        if not stage.continues:
            modules.append([])
        for block in stage_blocks:
            place = f"{len(modules) - 1}.{len(modules[-1])}"
            modules[-1].append(make(place, block, arch, arch.drop_path * done / steps))
            done += not block.is_nothing()
    return nn.Sequential(
        OrderedDict((str(i), nn.Sequential(*stage)) for i, stage in enumerate(modules))
    )
