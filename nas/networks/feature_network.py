"""A network as the backbone of a detector or a segmenter: maps at several sizes, no head."""

from collections import OrderedDict
from collections.abc import Sequence

from torch import Tensor, nn

from nas.networks.gradient_checkpointing import checkpointed
from nas.networks.model import Network


class FeatureNetwork(nn.Module):
    """The part of `model` that makes the maps at `out_indices` of its `feature_info`, all of them
    by default; as timm's models are with `features_only=True`.

    Takes (batch, in_channels, height, width) images, gives a list of (batch, channels, height,
    width) maps, largest first. The modules are the model's own, their names too. Raises IndexError
    for an index that the model has no feature of.
    """

    def __init__(self, model: Network, out_indices: Sequence[int] | None = None) -> None:
        super().__init__()
        count = len(model.feature_info)
        indices = range(count) if out_indices is None else out_indices
        if not indices:
            raise IndexError("out_indices: expected at least one")
        placed = sorted({index + count if index < 0 else index for index in indices})
        self.feature_info = model.feature_info.chosen(placed)
        self.grad_checkpointing = False
        self._wanted = frozenset(self.feature_info.module_name())
        for name, module in model.named_children():
            if name == "blocks":
                break
            self.add_module(name, module)
        self.blocks = _up_to(model.blocks, self.feature_info[-1]["module"])

    def forward(self, images: Tensor) -> list[Tensor]:
        maps: list[Tensor] = []
        x = images
        for name, module in self.named_children():
            if name != "blocks":
                x = module(x)
                self._take(name, x, maps)
        for stage, blocks in self.blocks.named_children():
            for place, block in blocks.named_children():
                again = self.grad_checkpointing and self.training
                x = checkpointed(block, x) if again else block(x)
                self._take(f"blocks.{stage}.{place}", x, maps)
            self._take(f"blocks.{stage}", x, maps)
        return maps

    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """Whether training computes what is inside blocks again, as `Network`'s method says."""
        self.grad_checkpointing = enable

    def _take(self, name: str, x: Tensor, maps: list[Tensor]) -> None:
        if name in self._wanted:
            maps.append(x)


def _up_to(stages: nn.Sequential, last: str) -> nn.Sequential:
    """The stages up to the module called `last`; none where it stands before them."""
    _, _, place = last.partition("blocks.")
    if not place:
        return nn.Sequential()
    stage, _, block = place.partition(".")
    kept = OrderedDict(list(stages.named_children())[: int(stage) + 1])
    if block:
        kept[stage] = nn.Sequential(
            OrderedDict(list(kept[stage].named_children())[: int(block) + 1])
        )
    return nn.Sequential(kept)
