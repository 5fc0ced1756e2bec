"""How long networks take on this device, measured side by side.

A round runs every network once, in a new order; so whatever slows the device slows all alike.
"""

import dataclasses
import os
import platform
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from nas.defaults.conf import default
from nas.defaults.limits import MOST_THREADS
from nas.latency.onnx_subject import OnnxSubject
from nas.latency.stopwatch import ClockLaps, CudaLaps, Laps, device_name, keep_freed_memory
from nas.networks.model import Network, build
from search_spaces.arch import Arch
from search_spaces.checks import check_count
from search_spaces.errors import UserError

Array = np.ndarray[Any, np.dtype[np.float64]]

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_FORMATS = {"channels_last": torch.channels_last, "contiguous": torch.contiguous_format}
_STEADY_ROUNDS = 3
_STEADY_WITHIN = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencySettings:
    """What is timed, and how often."""

    engine: Literal["torch", "onnxruntime"] = default("latency", "engine")
    """What runs networks: PyTorch as it is, or ONNX Runtime on the CPU, which fuses layers."""
    device: Literal["auto", "cpu", "cuda"] = default("latency", "device")
    """`auto`: cuda where there is one."""
    threads: int = default("latency", "threads")
    """Threads of the CPU that run one network."""
    batch: int = default("latency", "batch")
    dtype: Literal["float32", "bfloat16", "float16"] = default("latency", "dtype")
    memory_format: Literal["channels_last", "contiguous"] = default("latency", "memory_format")
    clock: Literal["wall", "processor"] = default("latency", "clock")
    """`wall`: the time one waits; `processor`: the time the one thread ran, whatever else the
    machine did meanwhile."""
    memory: Literal["kept", "system"] = default("latency", "memory")
    """How the CPU's memory is handled. `kept`: what a layer frees serves the next, as in inference
    engines; `system`: the C library gives it back and faults it in again as it likes."""
    runs: int = default("latency", "runs")
    """Timed runs of each network."""
    warmup: int = default("latency", "warmup")
    """Rounds at most before the first that counts; three within 5 % of each other are enough."""
    seed: int = default("latency", "seed")

    def __post_init__(self) -> None:
        for name, least in (("threads", 1), ("batch", 1), ("runs", 1), ("warmup", 0)):
            if getattr(self, name) < least:
                raise UserError(f"{name}: expected at least {least}, got {getattr(self, name)}")
        check_count("threads", self.threads, MOST_THREADS)
        if self.engine == "onnxruntime" and (self.device == "cuda" or self.dtype != "float32"):
            raise UserError("engine: onnxruntime is timed with device=cpu and dtype=float32")
        if self.device == "cuda" and not torch.cuda.is_available():
            raise UserError("device: cuda was asked for, and there is none")
        if self.clock == "processor" and (self.resolved_device() != "cpu" or self.threads > 1):
            raise UserError("clock: processor needs device=cpu and threads=1")

    def resolved_device(self) -> Literal["cpu", "cuda"]:
        """What `auto` stands for here."""
        if self.engine == "onnxruntime":
            return "cpu"
        if self.device != "auto":
            return self.device
        return "cuda" if torch.cuda.is_available() else "cpu"

    def spelt(self) -> dict[str, str | int]:
        """All settings as plain data, the device as it was found."""
        return {**dataclasses.asdict(self), "device": self.resolved_device()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """The time of one batch through one network."""

    arch: Arch
    seconds: tuple[float, ...]
    """The time of each timed run."""

    @property
    def median(self) -> float:
        return float(np.median(self.seconds))

    @property
    def quartiles(self) -> tuple[float, float]:
        low, high = np.quantile(self.seconds, (0.25, 0.75))
        return float(low), float(high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """The times of networks that were timed side by side."""

    wholes: tuple[Array, ...]
    """For each network (runs,) seconds."""
    laps: tuple[Array, ...]
    """For each network that was taken apart (runs, parts) seconds, right after those."""
    warmup: int
    """Rounds before those."""
    share: float | None
    """The part of the wall time in which our one thread had a processor; None where unknown."""


def measure(
    archs: Sequence[Arch], settings: LatencySettings, progress: Callable[[int, int], None]
) -> tuple[list[Latency], Session]:
    """The latency of each network, of initial weights, in evaluation mode.

    PyTorch runs batch norm unfused; ONNX Runtime fuses what it can.
    """
    session = time_networks([(arch, False) for arch in archs], settings, progress)
    found = [
        Latency(arch=arch, seconds=tuple(map(float, seconds)))
        for arch, seconds in zip(archs, session.wholes, strict=True)
    ]
    return found, session


def time_networks(
    networks: Sequence[tuple[Arch, bool]],
    settings: LatencySettings,
    progress: Callable[[int, int], None],
) -> Session:
    """Time networks, those marked True also part by part: stem, blocks that do something, head.

    `progress` is told of rounds done and in all. All networks are in memory at once.
    """
    with _prepared(settings) as device:
        subjects = [_subject(arch, split, settings, device) for arch, split in networks]
        warmup = _warm_up(subjects, settings)
        turns: list[list[list[float]]] = [[] for _ in subjects]
        wall, processor = time.perf_counter(), time.thread_time()
        order = random.Random(settings.seed)
        for done in range(settings.runs):
            for index in order.sample(range(len(subjects)), len(subjects)):
                turns[index].append(subjects[index].turn())
            progress(done + 1, settings.runs)
        wall, processor = time.perf_counter() - wall, time.thread_time() - processor
    alone = device == "cpu" and settings.threads == 1
    timed = [np.array(each) for each in turns]
    found = [subject.laps(each) for subject, each in zip(subjects, timed, strict=True)]
    return Session(
        wholes=tuple(each[:, 0] for each in timed),
        laps=tuple(laps for laps in found if laps is not None),
        warmup=warmup,
        share=processor / wall if alone else None,
    )


def device_facts(settings: LatencySettings) -> dict[str, str | int]:
    """The device's name and what drives it, for whoever reads the figures elsewhere."""
    facts: dict[str, str | int] = {
        "device": device_name(settings.resolved_device()),
        "torch": str(torch.__version__),
        "python": platform.python_version(),
        "system": platform.platform(),
    }
    if settings.engine == "onnxruntime":
        facts["onnxruntime"] = version("onnxruntime")
    if settings.resolved_device() == "cuda":
        facts["cuda"] = str(torch.version.cuda)
        facts["cudnn"] = str(torch.backends.cudnn.version())  # type: ignore[no-untyped-call]
    else:
        facts["cores"] = os.cpu_count() or 0
    return facts


@dataclass(slots=True)
class _Subject:
    """A network ready to be timed."""

    model: Network
    images: Tensor
    stopwatch: Laps
    split: bool

    @classmethod
    def prepare(cls, arch: Arch, split: bool, settings: LatencySettings, device: str) -> "_Subject":
        layout, dtype = _FORMATS[settings.memory_format], _DTYPES[settings.dtype]
        model = build(arch).eval().to(device, dtype)
        model.to(memory_format=layout)  # type: ignore[call-overload]
        shape = (settings.batch, arch.in_channels, arch.resolution, arch.resolution)
        images = torch.randn(shape).to(device=device, dtype=dtype, memory_format=layout)
        laps: Laps = CudaLaps() if device == "cuda" else ClockLaps(_clock(settings))
        return cls(model, images, laps, split)

    def turn(self) -> list[float]:
        """Seconds of the whole network, then of each part where it is taken apart.

        A run before those brings its weights near.
        """
        self.model(self.images)
        whole = self._timed()
        if not self.split:
            return whole
        with _marks(self.model, self.stopwatch):
            return whole + self._timed()

    def laps(self, turns: Array) -> Array | None:
        """Of each turn the seconds of each part; None where it is not taken apart."""
        return turns[:, 1:] if self.split else None

    def _timed(self) -> list[float]:
        self.stopwatch.take()
        self.stopwatch.mark()
        self.model(self.images)
        self.stopwatch.mark()
        return self.stopwatch.take()


@contextmanager
def _marks(model: Network, laps: Laps) -> Iterator[None]:
    """Marks after the stem and after each block that does something."""

    def mark(module: nn.Module, *_: object) -> None:
        laps.mark()

    hooks = [model.blocks.register_forward_pre_hook(mark)]
    for block, module in model.named_blocks():
        if not block.is_nothing():
            hooks.append(module.register_forward_hook(mark))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _subject(
    arch: Arch, split: bool, settings: LatencySettings, device: str
) -> "_Subject | OnnxSubject":
    if settings.engine == "torch":
        return _Subject.prepare(arch, split, settings, device)
    return OnnxSubject.prepare(arch, split, settings.batch, settings.threads, _clock(settings))


def _clock(settings: LatencySettings) -> Callable[[], float]:
    return time.perf_counter if settings.clock == "wall" else time.thread_time


def _warm_up(subjects: "Sequence[_Subject | OnnxSubject]", settings: LatencySettings) -> int:
    """Rounds it took."""
    rounds: list[float] = []
    while len(rounds) < settings.warmup:
        rounds.append(sum(subject.turn()[0] for subject in subjects))
        last = rounds[-_STEADY_ROUNDS:]
        if len(last) == _STEADY_ROUNDS and max(last) <= (1 + _STEADY_WITHIN) * min(last):
            break
    return len(rounds)


@contextmanager
def _prepared(settings: LatencySettings) -> Iterator[Literal["cpu", "cuda"]]:
    threads = torch.get_num_threads()
    torch.set_num_threads(settings.threads)
    if settings.memory == "kept":
        keep_freed_memory()
    try:
        with torch.inference_mode(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            yield settings.resolved_device()
    finally:
        torch.set_num_threads(threads)
