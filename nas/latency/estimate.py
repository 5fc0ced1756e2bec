"""The latency of networks beyond a table's space: parts it lacks are estimated from those it has.

A grown network has wider, larger parts than the networks that a table was made of.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nas.latency.table import LatencyTable, parts
from search_spaces.arch import Arch
from search_spaces.ends import Head, Stem, head_layers, stem_layers
from search_spaces.errors import UserError
from search_spaces.kinds import KINDS
from search_spaces.kinds.base import Block, Kind
from search_spaces.kinds.layers import PRODUCTS, Conv, Layer

_BLOCK = re.compile(
    r"(?P<kind>\w+) (?P<size>\d{1,9})px (?P<inputs>\d{1,9})>(?P<inner>\d{1,9})"
    r">(?P<outputs>\d{1,9}) k(?P<kernel>\d{1,9}) s(?P<stride>\d{1,9})(?: g(?P<groups>\d{1,9}))?"
    r"(?: se(?P<se>\d{1,9}):\S+ \S+)?(?P<skip> skip)? \w+(?: \w+)?"
)
_STEM = re.compile(
    r"stem (?P<size>\d{1,9})px (?P<inputs>\d{1,9})>(?P<outputs>\d{1,9}) "
    r"k(?P<kernel>\d{1,9}) s(?P<stride>\d{1,9})(?: (?P<kind>pool|patch))? \w+ \w+"
)
_HEAD = re.compile(
    r"head (?P<kind>\w+) (?P<size>\d{1,9})px (?P<inputs>\d{1,9})(?:>(?P<features>\d{1,9}))?"
    r">(?P<classes>\d{1,9}) \w+"
)


def _kinds() -> Iterator[Kind]:
    for kind in KINDS.values():
        yield kind
        if kind.unexpanded:
            yield kind.unexpanded


_BY_NAME: Mapping[str, Kind] = {kind.name: kind for kind in _kinds()}


@dataclass(frozen=True, slots=True)
class LatencyEstimate:
    """Seconds of networks of any size on the device of a table.

    The time of a part is a sum, with factors that are not negative, over what its layers are: how
    many, their multiply–adds, dense and grouped apart, and the elements that they write. The
    factors are fitted to the table's parts, by relative error; a kind's parts are then brought to
    its own level.
    """

    table: LatencyTable
    factors: NDArray[np.float64]
    levels: Mapping[str, float]
    """By kind, the median of what is in the table over what the factors say."""

    @classmethod
    def of(cls, table: LatencyTable) -> "LatencyEstimate":
        """Raises UserError for a table with parts of no network, or of no time."""
        from scipy.optimize import nnls

        names = list(table.seconds)
        times = np.array([table.seconds[name] for name in names])
        if not names or not (times > 0).all():
            raise UserError(f"{table.source}: expected parts, each with a time above 0")
        work = np.array([part_work(name, table.source) for name in names])
        factors, _ = nnls(work / times[:, None], np.ones(len(names)))
        ratios: dict[str, list[float]] = defaultdict(list)
        for name, time, fitted in zip(names, times, work @ factors, strict=True):
            if fitted > 0:
                ratios[_kind(name)].append(float(time / fitted))
        return cls(table, factors, {kind: float(np.median(r)) for kind, r in ratios.items()})

    def latency(self, arch: Arch) -> float:
        """Seconds of one batch. Raises UserError for a kind of block that the table has none of."""
        return self.table.scale * sum(self._seconds(part) for part in parts(arch))

    def _seconds(self, part: str) -> float:
        if part in self.table.seconds:
            return self.table.seconds[part]
        if _kind(part) not in self.levels:
            raise UserError(
                f"{self.table.source} holds no time of any {_kind(part)}, and so none to estimate "
                f"{part!r} from"
            )
        fitted = float(part_work(part, self.table.source) @ self.factors)
        return self.levels[_kind(part)] * fitted


def _kind(part: str) -> str:
    return part.split()[0]


def part_work(part: str, source: str) -> NDArray[np.float64]:
    """How many layers a part has, their dense and grouped MACs, and the elements they write; (4,).

    Raises UserError, which names the `source`, for what is no name of a part.
    """
    products = [layer for layer in _layers(part, source) if isinstance(layer, PRODUCTS)]
    dense = [each.macs for each in products if not (isinstance(each, Conv) and each.groups > 1)]
    written = sum(each.written for each in products)
    if not written:
        raise UserError(_no_part(part, source))
    macs = sum(each.macs for each in products)
    return np.array([len(products), sum(dense), macs - sum(dense), written], dtype=np.float64)


def _layers(part: str, source: str) -> tuple[Layer, ...]:
    """The layers of a part, from its name."""
    for pattern, made in ((_STEM, _stem), (_HEAD, _head), (_BLOCK, _block)):
        found = pattern.fullmatch(part)
        if found and (pattern is not _BLOCK or found["kind"] in _BY_NAME):
            try:
                return made(found.groupdict())
            except (UserError, ArithmeticError):  # a stem of no channels, groups of none
                break
    raise UserError(_no_part(part, source))


def _no_part(part: str, source: str) -> str:
    return f"{source}: {part[:100]!r}: expected the name of a part of a network"


def _stem(of: Mapping[str, Any]) -> tuple[Layer, ...]:
    size, inputs, outputs, kernel, stride = (
        int(of[name]) for name in ("size", "inputs", "outputs", "kernel", "stride")
    )
    kind = {"kind": "patch"} if of["kind"] == "patch" else {"pool": of["kind"] == "pool"}
    stem = Stem(channels=outputs, kernel=kernel, stride=stride, **kind)
    return stem_layers(stem, inputs, size)


def _head(of: Mapping[str, Any]) -> tuple[Layer, ...]:
    features = {"channels": int(of["features"])} if of["features"] else {}
    head = Head(kind=of["kind"], **features)
    return head_layers(head, int(of["inputs"]), int(of["size"]), int(of["classes"]))


def _block(of: Mapping[str, Any]) -> tuple[Layer, ...]:
    return Block(
        kind=_BY_NAME[of["kind"]],
        in_channels=int(of["inputs"]),
        inner_channels=int(of["inner"]),
        channels=int(of["outputs"]),
        kernel=int(of["kernel"]),
        stride=int(of["stride"]),
        groups=int(of["groups"] or 1),
        se_channels=int(of["se"] or 0),
        skip=of["skip"] is not None,
        activation="relu",
        size=int(of["size"]),
    ).layers()
