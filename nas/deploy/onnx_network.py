"""An ONNX network that is asked as one of PyTorch's is, so that both are measured by the same."""

from typing import Any

import torch
from torch import Tensor, nn

from search_spaces.errors import UserError


def onnx_session(content: bytes, threads: int | None = None) -> Any:
    """An ONNX Runtime session on the CPU for the content of a file.

    `threads` are those that compute one network; the runtime's own choice for None. Raises
    UserError where the extra `onnx` is not installed.
    """
    try:
        import onnxruntime
    except ModuleNotFoundError:
        raise UserError("onnxruntime is not installed; pip install 'nas-search[onnx]'") from None
    options = onnxruntime.SessionOptions()
    if threads is not None:
        options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


class OnnxNetwork(nn.Module):
    """Gives the logits of an ONNX network that takes `images` and gives `logits`."""

    def __init__(self, content: bytes, threads: int | None = None) -> None:
        super().__init__()
        self.session = onnx_session(content, threads)

    def forward(self, images: Tensor) -> Tensor:
        (logits,) = self.session.run(["logits"], {"images": images.contiguous().numpy()})
        return torch.from_numpy(logits)
