"""Static quantisation to int8: an ONNX network with its ranges taken of images."""

import contextlib
import logging
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.float32]


def quantised(content: bytes, batches: Iterable[Images]) -> bytes:
    """An ONNX network in int8, in QDQ form, from one in float32.

    Weights have a scale for each channel, activations one for each tensor, both signed: what ONNX
    Runtime's guide names first. Ranges are the least and the largest value of `batches`, the
    network's `images`; batch normalisation is folded into the convolutions before.
    """
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory() as folder, _quiet():
        given, folded, made = (Path(folder, f"{name}.onnx") for name in ("float", "fold", "int8"))
        given.write_bytes(content)
        quant_pre_process(given, folded)
        quantize_static(
            folded,
            made,
            _Reader(batches),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
        )
        return made.read_bytes()


class _Reader:
    """Gives the runtime a batch at a time; it wants a mapping, or None at the end."""

    def __init__(self, batches: Iterable[Images]) -> None:
        self._batches = iter(batches)

    def get_next(self) -> dict[str, Images] | None:
        images = next(self._batches, None)
        return None if images is None else {"images": images}

    def set_range(self, start_index: int, end_index: int) -> Any:
        """Belongs to the runtime's interface; calibration in strides alone calls it."""
        raise NotImplementedError


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the quantiser's remarks about itself, which no one here can act on."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
