"""Networks for other runtimes: ONNX and `torch.export` programs, each checked after writing."""

import contextlib
import logging
import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor

from nas.networks.model import Network, build
from search_spaces.arch import Arch
from search_spaces.errors import UserError

TOLERANCE = 1e-4
"""Of the largest logit: how far an exported network's logits may lie from PyTorch's."""
_INPUT, _OUTPUT = "images", "logits"
# Exporting for a batch of one would fix it at one.
_DYNAMIC = {_INPUT: {0: torch.export.Dim("batch")}}


class ExportMismatchError(RuntimeError):
    """The exported network does not give what the network gives; its file is not kept."""


def export_onnx(arch: Arch, path: str | Path, weights: str | Path | None = None) -> float:
    """Write `arch` as ONNX with a free batch size: `images` (batch, channels, side, side) to
    `logits` (batch, classes).

    Returns how far its logits, as onnxruntime computes them, lie from PyTorch's, as a fraction of
    the largest (untrained networks have minute ones). Raises UserError where the extra `onnx` is
    not installed, ExportMismatchError where they differ by over 1e-4.
    """
    try:
        import onnxruntime
        import onnxscript  # noqa: F401
    except ModuleNotFoundError as error:
        missing = f"{error.name} is not installed"
        raise UserError(f"export to ONNX: {missing}; pip install 'nas-search[onnx]'") from None
    model = _model(arch, weights)

    def write(partial: Path) -> None:
        with _quiet():
            program = torch.onnx.export(
                model,
                (_images(arch, 2),),
                dynamo=True,
                verbose=False,
                input_names=[_INPUT],
                output_names=[_OUTPUT],
                dynamic_shapes=_DYNAMIC,
            )
        assert program is not None
        program.save(str(partial))

    def load(partial: Path) -> Callable[[Tensor], Tensor]:
        session = onnxruntime.InferenceSession(str(partial), providers=["CPUExecutionProvider"])
        return lambda images: torch.from_numpy(session.run(None, {_INPUT: images.numpy()})[0])

    return _write_checked(model, Path(path), write, load)


def export_program(arch: Arch, path: str | Path, weights: str | Path | None = None) -> float:
    """Write `arch` as a `torch.export` program (`.pt2`) with a free batch size.

    Returns how far its logits lie from the network's, as a fraction of the largest. Raises
    ExportMismatchError where that is over 1e-4.
    """
    model = _model(arch, weights)

    def write(partial: Path) -> None:
        with _quiet():
            program = torch.export.export(model, (_images(arch, 2),), dynamic_shapes=_DYNAMIC)
        torch.export.save(program, partial)

    def load(partial: Path) -> Callable[[Tensor], Tensor]:
        return torch.export.load(partial).module()

    return _write_checked(model, Path(path), write, load)


def _write_checked(
    model: Network,
    path: Path,
    write: Callable[[Path], None],
    load: Callable[[Path], Callable[[Tensor], Tensor]],
) -> float:
    """Write beside `path`, compare at batches of 1 and 3, and only then put it there."""
    path = path.expanduser()
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".partial-{path.name}")
    try:
        write(partial)
        exported = load(partial)
        difference = 0.0
        for batch in (1, 3):
            images = _images(model.arch, batch)
            with torch.no_grad():
                expected, got = model(images), exported(images)
            apart = ((got - expected).abs().max() / expected.abs().max()).item()
            if not apart <= TOLERANCE:
                share = f"{apart:.3g} of the largest"
                raise ExportMismatchError(f"{path}: logits differ from PyTorch's by {share}")
            difference = max(difference, apart)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return difference


def _model(arch: Arch, weights: str | Path | None) -> Network:
    return build(arch, weights=weights).eval().requires_grad_(False)


def _images(arch: Arch, batch: int) -> Tensor:
    generator = torch.Generator().manual_seed(batch)
    shape = (batch, arch.in_channels, arch.resolution, arch.resolution)
    return torch.randn(shape, generator=generator)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's remarks about itself, which no one here can act on."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
