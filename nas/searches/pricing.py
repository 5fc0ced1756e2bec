"""What counts as a network's cost: MACs, parameters, activations, or a latency from a table."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from nas.latency.table import read_table
from nas.networks.cost import Cost
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.files import expanded, read_text


class CostMetric(Protocol):
    """The cost that rewards weigh accuracy against; name the class in `cost._target_`."""

    @property
    def unit(self) -> str:
        """The unit of the costs, in which targets of rewards are given and records are kept."""
        ...

    def __call__(self, arch: Arch, cost: Cost) -> float:
        """The cost of a network, above 0, given what it counts up to."""
        ...

    def describe(self) -> Mapping[str, str]:
        """What the costs depend on: a run folder holds records of one such description."""
        ...


@dataclass(frozen=True, slots=True)
class Macs:
    """Multiply–adds."""

    @property
    def unit(self) -> str:
        return "MACs"

    def __call__(self, arch: Arch, cost: Cost) -> float:
        return float(cost.macs)

    def describe(self) -> Mapping[str, str]:
        return {"unit": self.unit}


@dataclass(frozen=True, slots=True)
class Parameters:
    """Trainable parameters."""

    @property
    def unit(self) -> str:
        return "params"

    def __call__(self, arch: Arch, cost: Cost) -> float:
        return float(cost.params)

    def describe(self) -> Mapping[str, str]:
        return {"unit": self.unit}


@dataclass(frozen=True, slots=True)
class Activations:
    """Elements that convs write, which tell the time on accelerators better than MACs do
    (arXiv 2103.06877)."""

    @property
    def unit(self) -> str:
        return "activations"

    def __call__(self, arch: Arch, cost: Cost) -> float:
        return float(cost.activations)

    def describe(self) -> Mapping[str, str]:
        return {"unit": self.unit}


class TableLatency:
    """Milliseconds, summed from the latency table that `nas-search latency --table` wrote.

    Raises UserError where there is no table or it cannot be read, and, when called, for a network
    with a block that the table holds no time of.
    """

    unit = "ms"

    def __init__(self, table: str | None) -> None:
        if table is None:
            raise UserError("latency_table: expected a file that nas-search latency --table wrote")
        if not isinstance(table, str):
            raise UserError(f"latency_table: expected a path, got {table!r}")
        self._table = read_table(table)
        text = read_text(expanded(table))
        self._digest = hashlib.sha256(text.encode()).hexdigest()[:16]

    def __call__(self, arch: Arch, cost: Cost) -> float:
        return 1e3 * self._table.latency(arch)

    def describe(self) -> Mapping[str, str]:
        device = self._table.about.get("device", "unknown")
        return {"unit": self.unit, "device": str(device), "table": self._digest}


class OnnxRuntimeLatency(TableLatency):
    """Milliseconds under ONNX Runtime, summed from a table that was measured with it.

    Raises UserError for a table of another engine.
    """

    def __init__(self, table: str | None) -> None:
        super().__init__(table)
        settings = self._table.about.get("settings")
        engine = settings.get("engine") if isinstance(settings, Mapping) else None
        if engine != "onnxruntime":
            raise UserError(
                f"latency_table: {table} was measured with {engine or 'torch'}; expected one of "
                f"nas-search latency --table engine=onnxruntime"
            )


class EstimatedLatency(TableLatency):
    """Milliseconds of networks of any size: parts that the table lacks are estimated from it."""

    unit = "ms, estimated"

    def __init__(self, table: str | None) -> None:
        from nas.latency.estimate import LatencyEstimate  # brings numpy, which MACs do without

        super().__init__(table)
        self._estimate = LatencyEstimate.of(self._table)

    def __call__(self, arch: Arch, cost: Cost) -> float:
        return 1e3 * self._estimate.latency(arch)


COUNTED: Mapping[str, CostMetric] = {
    "macs": Macs(),
    "params": Parameters(),
    "activations": Activations(),
}
"""The costs that follow from the network alone, by the names that settings have for them."""
