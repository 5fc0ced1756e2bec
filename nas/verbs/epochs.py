"""A configuration with its evaluator trained for other numbers of epochs."""

from collections.abc import Mapping, Sequence
from typing import Any

from nas.verbs.config import Config
from search_spaces.errors import UserError


def trained_for(config: Config, epochs: Sequence[int]) -> dict[int, Config]:
    """The configuration with each of these numbers of epochs, by the number.

    An evaluator made of others has it wherever one of them has epochs. Raises UserError where none
    has, and for a number that changes nothing.
    """
    node, found = config["evaluator"], dict[int, Config]()
    for each in epochs:
        exchanged, before = _with_epochs(node, each)
        if not before:
            raise UserError(
                f"sweep.epochs: {_named(node)} has no epochs to change; expected an evaluator "
                f"that trains, such as evaluator=proxy"
            )
        if exchanged == node:
            raise UserError(
                f"sweep.epochs: expected numbers other than the evaluator's own {before[0]}, "
                f"got {each}"
            )
        found[each] = {**config, "evaluator": exchanged}
    return found


def _named(node: Any) -> str:
    return str(node["_target_"]) if isinstance(node, Mapping) else type(node).__name__


def _with_epochs(node: Any, epochs: int) -> tuple[Any, list[Any]]:
    """An evaluator's settings with other epochs wherever they have some, and what they had."""
    if not isinstance(node, Mapping):
        return node, []
    if "epochs" in node:
        return {**node, "epochs": epochs}, [node["epochs"]]
    inner = {name: _with_epochs(value, epochs) for name, value in node.items()}
    return (
        {name: value for name, (value, _) in inner.items()},
        [before for _, found in inner.values() for before in found],
    )
