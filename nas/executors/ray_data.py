"""Data that evaluations read, kept in Ray's object store: once for all workers of a node."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from nas.evaluators.asked import data_key, load_data, with_data
from nas.evaluators.base import Evaluator
from nas.executors.child_processes import unsendable
from search_spaces.arch import Arch


@dataclass(slots=True)
class SharedData:
    """Puts into the store what the evaluator reads, when it is first needed."""

    evaluator: Evaluator
    _stored: dict[Hashable, Any] = field(default_factory=dict)

    def reference(self, arch: Arch) -> Any:
        """Give the reference of what evaluating `arch` reads; None where workers read it.

        Raises UserError for data that is not there or cannot be used.
        """
        import ray

        key = data_key(self.evaluator, arch)
        if key is None:
            return None
        if key not in self._stored:
            self._stored[key] = ray.put(load_data(self.evaluator, key))
        return self._stored[key]


def stored(evaluator: Evaluator) -> Any:
    """Put an evaluator into the store; raises UserError where it cannot go there."""
    import ray

    try:
        return ray.put(evaluator)
    except Exception as error:  # whatever a class's own methods raise
        raise unsendable(error, "evaluator") from None


def supplied(evaluator: Evaluator, data: Any) -> Evaluator:
    """Give the evaluator, in a worker, with the data that were stored for it."""
    return evaluator if data is None else with_data(evaluator, data)
