"""What evaluations read, in Ray's object store: once for all workers of a node."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from nas.evaluators.base import Evaluator, Sharing
from nas.executors.child_processes import unsendable
from search_spaces.arch import Arch


@dataclass(slots=True)
class SharedData:
    """Puts what the evaluator reads into the store, each part when it is first needed."""

    evaluator: Evaluator
    _stored: dict[Hashable, Any] = field(default_factory=dict)

    def reference(self, arch: Arch) -> Any:
        """The reference of what evaluating `arch` reads; None where each worker reads for itself.

        Raises UserError for data that is not there or cannot be used.
        """
        import ray

        if not isinstance(self.evaluator, Sharing):
            return None
        need = self.evaluator.needs(arch)
        if need is None:
            return None
        if need not in self._stored:
            self._stored[need] = ray.put(self.evaluator.fetch(need))
        return self._stored[need]


def stored(evaluator: Evaluator) -> Any:
    """The reference of an evaluator in the store. Raises UserError where it cannot go there."""
    import ray

    try:
        return ray.put(evaluator)
    except Exception as error:  # whatever a class's own methods raise
        raise unsendable(error, "evaluator") from None


def supplied(evaluator: Evaluator, data: Any) -> Evaluator:
    """The evaluator with what a reference gave, in a worker."""
    if data is None or not isinstance(evaluator, Sharing):
        return evaluator
    return evaluator.given(data)
