"""A latency that is looked up: the times of a network's parts, summed. Needs no torch."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from search_spaces.arch import Arch
from search_spaces.blocks import blocks, stage_sizes
from search_spaces.errors import UserError, shown
from search_spaces.files import read_text, write_text
from search_spaces.kinds.base import Block
from search_spaces.yaml_text import load_yaml


def parts(arch: Arch) -> tuple[str, ...]:
    """The names of the stem, each block that does something, and the head, in order.

    Parts of one name do the same work: kind, shapes, kernel, stride, SE and activation are in it.
    """
    stem, head = arch.stem, arch.head
    channels, size = stage_sizes(arch)[-1]
    kind = " pool" if stem.pool else "" if stem.kind == "conv" else f" {stem.kind}"
    features = f">{head.channels}" if head.has_conv else ""
    return (
        f"stem {arch.resolution}px {arch.in_channels}>{stem.channels} k{stem.kernel} "
        f"s{stem.stride}{kind} {arch.activation} {arch.padding}",
        *(block_part(block, arch) for block in blocks(arch) if not block.is_nothing()),
        f"head {head.kind} {size}px {channels}{features}>{arch.num_classes} {arch.activation}",
    )


def block_part(block: Block, arch: Arch) -> str:
    """The name of the work that a block of `arch` does."""
    words = [
        block.kind.name,
        f"{block.size}px",
        f"{block.in_channels}>{block.inner_channels}>{block.channels}",
        f"k{block.kernel}",
        f"s{block.stride}",
    ]
    if block.groups > 1:
        words.append(f"g{block.groups}")
    if block.se_channels:
        words.append(f"se{block.se_channels}:{arch.se.activation or block.activation}")
        words.append(arch.se.gate)
    if block.skip:
        words.append("skip")
    words.append(block.activation)
    if block.stride > 1:
        words.append(arch.padding)
    return " ".join(words)


@dataclass(frozen=True)
class LatencyTable:
    """Seconds of each part, and what they were measured on."""

    seconds: Mapping[str, float]
    scale: float = 1.0
    """Whole networks over the sum of their parts."""
    about: Mapping[str, Any] = field(default_factory=dict)
    source: str = "the latency table"

    def latency(self, arch: Arch) -> float:
        """Seconds of one batch; raises UserError where a part was not measured."""
        try:
            return self.scale * sum([self.seconds[part] for part in parts(arch)])
        except KeyError as missing:
            raise UserError(
                f"{self.source} holds no time of {missing} of {arch.name}: build one for its "
                f"space with nas-search latency --table space=… num_classes={arch.num_classes}"
            ) from None


def read_table(path: str | Path) -> LatencyTable:
    """The table in a YAML or JSON file; raises UserError where it is none."""
    data = load_yaml(read_text(os.path.expanduser(path)), str(path))
    if not isinstance(data, Mapping) or not isinstance(data.get("milliseconds"), Mapping):
        raise UserError(f"{path}: expected a latency table, with a mapping of milliseconds")
    entries = {str(part): _milliseconds(path, part, v) for part, v in data["milliseconds"].items()}
    about = {name: value for name, value in data.items() if name != "milliseconds"}
    scale = about.pop("scale", 1.0)
    return LatencyTable(entries, 1e3 * _milliseconds(path, "scale", scale), about, str(path))


def write_table(table: LatencyTable, path: str | Path) -> None:
    """Write the table as YAML, making the folder where it is missing."""
    data = {
        **table.about,
        "scale": round(table.scale, 6),
        "milliseconds": {
            part: float(f"{1e3 * value:.5g}") for part, value in table.seconds.items()
        },
    }
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(data, sort_keys=False, width=120, allow_unicode=True)
    write_text(path, text)


def _milliseconds(path: str | Path, name: object, value: object) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or value < 0:  # type: ignore[arg-type,operator]
        raise UserError(
            f"{path}: {str(name)[:100]}: expected a number of at least 0, got {shown(value)}"
        )
    return float(value) / 1e3  # type: ignore[arg-type]
