"""Peak activations against the live tensors of a traced forward pass."""

import torch
from hypothesis import given, settings
from torch import fx, nn

from nas.networks.cost import cost
from nas.networks.layers import Conv, DropPath, LayerNorm, MaxPool
from nas.networks.model import build
from search_spaces.arch import Arch
from strategies import archs

FRESH = (Conv, MaxPool, nn.Linear)
"""Modules that write a tensor of their own; all others can work in place."""


class Tracer(fx.Tracer):
    def is_leaf_module(self, module: nn.Module, qualified_name: str) -> bool:
        leaf = isinstance(module, (*FRESH, DropPath, LayerNorm))
        return leaf or super().is_leaf_module(module, qualified_name)


class Liveness(fx.Interpreter):
    """Runs a graph in order, each tensor alive from its making to its last use."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__(fx.GraphModule(model, Tracer().trace(model)))
        self.buffer: dict[fx.Node, int] = {}
        self.elements: dict[int, int] = {}
        self.unused = {node: len(node.users) for node in self.module.graph.nodes}
        self.peak = 0

    def run_node(self, node: fx.Node) -> object:
        result = super().run_node(node)
        if node.op in ("output", "get_attr") or not isinstance(result, torch.Tensor):
            return result
        inputs = [arg for arg in node.all_input_nodes if arg in self.buffer]
        for arg in inputs:
            self.unused[arg] -= 1
        self.buffer[node] = self._place(node, inputs, result.numel())
        self.peak = max(self.peak, sum(self.elements.values()))
        kept = {self.buffer[n] for n in self.buffer if self.unused[n]}
        self.elements = {b: size for b, size in self.elements.items() if b in kept}
        return result

    def _place(self, node: fx.Node, inputs: list[fx.Node], size: int) -> int:
        """The buffer of an input that can be overwritten, or a new one."""
        in_place = not (
            (node.op == "call_module" and isinstance(self.fetch_attr(str(node.target)), FRESH))
            or node.target == "mean"
        )
        for arg in inputs:
            buffer = self.buffer[arg]
            others = [n for n in self.buffer if self.buffer[n] == buffer and self.unused[n]]
            if in_place and not others and self.elements.get(buffer) == size:
                return buffer
        self.elements[len(self.buffer)] = size
        return len(self.buffer)


@settings(max_examples=60)
@given(archs())
def test_equals_the_live_tensors_of_a_forward_pass(arch: Arch) -> None:
    model = build(arch).eval()
    liveness = Liveness(model)
    with torch.no_grad():
        liveness.run(torch.zeros(1, arch.in_channels, arch.resolution, arch.resolution))
    assert cost(arch).peak_activations == liveness.peak
