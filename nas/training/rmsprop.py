"""RMSProp as TensorFlow defines it, which EfficientNet was trained with."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT


class RMSpropTF(torch.optim.Optimizer):
    """RMSProp with ε inside the square root, an accumulator that starts at one, and momentum of
    steps that are multiplied by the learning rate first.

    torch.optim.RMSprop differs in all three, and diverges at EfficientNet's ε of 1e-3 and its
    learning rates. Weight decay is added to the gradient, as an L2 term of the loss would be.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 0.016,
        decay: float = 0.9,
        momentum: float = 0.9,
        eps: float = 1e-3,
        weight_decay: float = 0.0,
    ) -> None:
        defaults = {
            "lr": lr,
            "decay": decay,
            "momentum": momentum,
            "eps": eps,
            "weight_decay": weight_decay,
        }
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One update of every parameter that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            self._step_group(group)
        return loss

    def _step_group(self, group: dict[str, Any]) -> None:
        parameters = [p for p in group["params"] if p.grad is not None]
        if not parameters:
            return
        gradients = [p.grad for p in parameters]
        squares = self._states(parameters, "square", torch.ones_like)
        momenta = self._states(parameters, "momentum", torch.zeros_like)
        if group["weight_decay"]:
            gradients = list(torch._foreach_add(gradients, parameters, alpha=group["weight_decay"]))
        torch._foreach_mul_(squares, group["decay"])
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - group["decay"])
        roots = torch._foreach_add(squares, group["eps"])
        torch._foreach_sqrt_(roots)
        torch._foreach_mul_(momenta, group["momentum"])
        torch._foreach_addcdiv_(momenta, gradients, roots, group["lr"])
        torch._foreach_sub_(parameters, momenta)

    def _states(
        self, parameters: Iterable[Tensor], name: str, initial: Callable[[Tensor], Tensor]
    ) -> list[Tensor]:
        states = []
        for parameter in parameters:
            state = self.state[parameter]
            if name not in state:
                state[name] = initial(parameter)
            states.append(state[name])
        return states
