"""Networks for other runtimes: ONNX and `torch.export` programs, each checked after writing."""

import contextlib
import io
import logging
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from nas.networks.model import Network, build
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.files import expanded, written

TOLERANCE = 1e-4
"""How far an exported network's logits may lie from PyTorch's, as a fraction of the largest."""
SEED = 0
"""The seed of the initial weights of a network that is exported without a file of weights."""
_INPUT, _OUTPUT = "images", "logits"
Dynamic = Literal["batch", "size"]
"""What of the images' shape is free: the batch alone, or height and width too."""
_LARGER = (32, 64)
"""Pixels by which height and width are larger where a network of free size is checked."""


class ExportMismatchError(RuntimeError):
    """The exported network does not give what the network gives; its file is not kept."""


def export_onnx(
    arch: Arch,
    path: str | Path,
    weights: str | Path | None = None,
    num_classes: int | None = None,
    dynamic: Dynamic = "batch",
) -> float:
    """Write `arch` as ONNX with a free batch size: `images` (batch, channels, side, side) to
    `logits` (batch, classes). Height and width are free too with `dynamic="size"`.

    `weights` and `num_classes` are as in `build`; without weights, initial ones of seed 0 are
    written. Returns how far its logits, as onnxruntime computes them, lie from PyTorch's, as a
    fraction of the largest (untrained networks have minute ones). Raises UserError where the extra
    `onnx` is not installed, and for a free size of a network that takes but one;
    ExportMismatchError where logits differ by over 1e-4.
    """
    model = seeded(arch, weights, num_classes)
    content = onnx_model(model, dynamic)
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])

    def run(images: Tensor) -> Tensor:
        return torch.from_numpy(session.run(None, {_INPUT: images.numpy()})[0])

    return _write_checked(model, Path(path), content, run, dynamic)


def onnx_model(model: Network, dynamic: Dynamic = "batch") -> bytes:
    """A network in inference mode as the content of an ONNX file, as `export_onnx` writes it.

    Raises UserError as that does; nothing is compared.
    """
    try:
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ModuleNotFoundError as error:
        missing = f"{error.name} is not installed"
        raise UserError(f"export to ONNX: {missing}; pip install 'nas-search[onnx]'") from None
    with _quiet(), _of_free_size(model.arch, dynamic):
        program = torch.onnx.export(
            model,
            (_images(model.arch, 2),),
            dynamo=True,
            verbose=False,
            input_names=[_INPUT],
            output_names=[_OUTPUT],
            dynamic_shapes=_shapes(dynamic),
        )
    assert program is not None
    content: bytes = program.model_proto.SerializeToString()
    return content


def export_program(
    arch: Arch,
    path: str | Path,
    weights: str | Path | None = None,
    num_classes: int | None = None,
    dynamic: Dynamic = "batch",
) -> float:
    """Write `arch` as a `torch.export` program (`.pt2`) with a free batch size.

    `weights`, `num_classes` and `dynamic` are as in `export_onnx`. Returns how far its logits lie
    from the network's, as a fraction of the largest. Raises UserError for a free size of a network
    that takes but one, ExportMismatchError where logits differ by over 1e-4.
    """
    model = seeded(arch, weights, num_classes)
    with _quiet(), _of_free_size(arch, dynamic):
        shapes = _shapes(dynamic)
        program = torch.export.export(model, (_images(arch, 2),), dynamic_shapes=shapes)
    buffer = io.BytesIO()
    torch.export.save(program, buffer)
    buffer.seek(0)
    exported = torch.export.load(buffer).module()
    return _write_checked(model, Path(path), buffer.getvalue(), exported, dynamic)


def seeded(
    arch: Arch, weights: str | Path | None = None, num_classes: int | None = None
) -> Network:
    """The network that is exported, ready for inference: what no file gives it is of seed 0."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        model = build(arch, weights=weights, num_classes=num_classes)
    return model.eval().requires_grad_(False)


def _write_checked(
    model: Network,
    path: Path,
    content: bytes,
    exported: Callable[[Tensor], Tensor],
    dynamic: Dynamic,
) -> float:
    """Compare at batches of 1 and 3, and only then write `content`, which `exported` runs.

    Where the size is free, images of the larger batch are larger, and no squares.
    """
    path = expanded(path)
    difference = 0.0
    for batch in (1, 3):
        images = _images(model.arch, batch, _LARGER if dynamic == "size" and batch > 1 else (0, 0))
        with torch.no_grad():
            expected, got = model(images), exported(images)
        largest = expected.abs().max().clamp_min(torch.finfo(expected.dtype).tiny)
        apart = ((got - expected).abs().max() / largest).item()
        if not apart <= TOLERANCE:
            share = f"{apart:.3g} of the largest"
            raise ExportMismatchError(f"{path}: logits differ from PyTorch's by {share}")
        difference = max(difference, apart)
    path.parent.mkdir(parents=True, exist_ok=True)
    with written(path) as file:
        file.write(content)
    return difference


def _shapes(dynamic: Dynamic) -> dict[str, dict[int, Any]]:
    # Exporting for a batch of one would fix it at one.
    free: dict[int, Any] = {0: torch.export.Dim("batch")}
    if dynamic == "size":
        free |= {2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC}
    return {_INPUT: free}


@contextlib.contextmanager
def _of_free_size(arch: Arch, dynamic: Dynamic) -> Iterator[None]:
    """Raises UserError where a network cannot be exported for images of any size."""
    if dynamic == "size" and arch.padding == "same":
        # Each map's size is a formula of all before it, which the exporter does not come to solve.
        raise UserError(
            f"dynamic: {arch.name} pads by the images' size (padding: same); expected batch"
        )
    try:
        yield
    except Exception as error:  # the exporters wrap what torch.export raises in their own
        if dynamic != "size":
            raise
        raise UserError(
            f"dynamic: {arch.name} takes images of {arch.resolution} px alone; expected batch "
            f"({type(error).__name__})"
        ) from error


def _images(arch: Arch, batch: int, larger: tuple[int, int] = (0, 0)) -> Tensor:
    generator = torch.Generator().manual_seed(batch)
    height, width = (arch.resolution + more for more in larger)
    shape = (batch, arch.in_channels, height, width)
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
