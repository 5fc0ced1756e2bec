"""A network timed under ONNX Runtime, whole, and part by part from the runtime's own profile.

The runtime fuses layers as it deploys them, so that a part cannot be timed from outside. Its
profile names each kernel after the last layer in it, and the exporter notes which module a layer
is of.
"""

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from nas.networks.export import onnx_model
from nas.networks.model import Network, build
from search_spaces.arch import Arch

_SCOPES = "pkg.torch.onnx.name_scopes"
_KERNEL, _RUN = "_kernel_time", "model_run"


@dataclass(slots=True)
class OnnxSubject:
    """A network ready to be timed; sessions of its own keep what one costs from the other."""

    session: Any
    images: NDArray[np.float32]
    now: Callable[[], float]
    profiled: "_Profiled | None"

    @classmethod
    def prepare(
        cls, arch: Arch, split: bool, batch: int, threads: int, now: Callable[[], float]
    ) -> Self:
        """Export the network. Raises UserError where the extra `onnx` is not installed."""
        model = build(arch).eval()
        content = onnx_model(model)
        shape = (batch, arch.in_channels, arch.resolution, arch.resolution)
        images = torch.randn(shape).numpy()
        profiled = _Profiled.of(content, model, threads) if split else None
        return cls(_session(content, threads), images, now, profiled)

    def turn(self) -> list[float]:
        """Seconds of the whole network; a run before brings its weights near."""
        self._run(self.session)
        began = self.now()
        self._run(self.session)
        seconds = self.now() - began
        if self.profiled is not None:
            self._run(self.profiled.session)
            self._run(self.profiled.session)
        return [seconds]

    def laps(self, turns: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """Of each turn the seconds of each part, (turns, parts); None where it is not taken apart.

        The profile ends with it.
        """
        # Of two runs a turn, the second counts; the first turns were to warm up.
        return None if self.profiled is None else self.profiled.read()[1::2][-len(turns) :]

    def _run(self, session: Any) -> None:
        session.run(None, {"images": self.images})


@dataclass(slots=True)
class _Profiled:
    """A session that writes down how long each kernel takes."""

    session: Any
    part_of: Mapping[str, int]
    """The part that a node or a value of the graph belongs to."""
    parts: int
    folder: tempfile.TemporaryDirectory[str] = field(repr=False)

    @classmethod
    def of(cls, content: bytes, model: Network, threads: int) -> Self:
        folder = tempfile.TemporaryDirectory()
        session = _session(content, threads, str(Path(folder.name, "profile")))
        names = [name for name, module in _blocks(model)]
        return cls(session, parts_of(content, names), len(names) + 2, folder)

    def read(self) -> NDArray[np.float64]:
        """Seconds of each part in each run, (runs, parts)."""
        with self.folder:
            events = json.loads(Path(self.session.end_profiling()).read_bytes())
        return np.array(list(_runs(events, self.part_of, self.parts)))


def _blocks(model: Network) -> Iterator[tuple[str, Any]]:
    """The names of the blocks that do something, in order, and their modules."""
    names = {id(module): name for name, module in model.named_modules()}
    for block, module in model.named_blocks():
        if not block.is_nothing():
            yield names[id(module)], module


def parts_of(content: bytes, blocks: Sequence[str]) -> dict[str, int]:
    """By the names of nodes and values of an ONNX graph, the part: the stem is 0, then come the
    blocks, of these modules, and the head is last."""
    import onnx

    place = {name: index for index, name in enumerate(blocks, start=1)}
    found: dict[str, int] = {}
    now = 0
    for node in onnx.load_from_string(content).graph.node:
        scopes = next((p.value for p in node.metadata_props if p.key == _SCOPES), "")
        inside = [place[name] for name in place if f"'{name}'" in scopes]
        if inside:
            now = inside[0]
        elif now:
            now = len(blocks) + 1
        found |= dict.fromkeys([node.name, *node.output], now)
    return found


def _runs(
    events: Sequence[Mapping[str, Any]], part_of: Mapping[str, int], parts: int
) -> Iterator[list[float]]:
    """Seconds of each part, a run at a time; what the runtime put in counts to the part before."""
    seconds, part = [0.0] * parts, 0
    for event in events:
        name = str(event["name"])
        if name == _RUN:
            yield seconds
            seconds, part = [0.0] * parts, 0
        elif event["cat"] == "Node" and name.endswith(_KERNEL):
            part = _part(name.removesuffix(_KERNEL), part_of, part)
            seconds[part] += event["dur"] / 1e6


def _part(kernel: str, part_of: Mapping[str, int], before: int) -> int:
    """The part of a kernel, whose name is a layer's with words of the runtime's behind it."""
    while kernel not in part_of:
        kernel, _, word = kernel.rpartition("_")
        if not word or not kernel:
            return before
    return part_of[kernel]


def _session(content: bytes, threads: int, profile: str | None = None) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    if profile is not None:
        options.enable_profiling, options.profile_file_prefix = True, profile
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
