"""A network's part of a supernet's weights, in a command: found, checked, kept while it is used."""

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas.verbs.config import Config, make
from search_spaces.arch import Arch
from search_spaces.errors import UserError

if TYPE_CHECKING:
    from nas.networks.trained import Card


@contextlib.contextmanager
def part_of_supernet(network: Arch, config: Config) -> Iterator[tuple[Path, "Card"]]:
    """Give, inside, a file of the network's part of the weights of `supernet`, and its card.

    Raises UserError where settings go against each other, and as `inherited` does.
    """
    _check(config)
    from nas.data.sources import Source
    from nas.evaluators.inherited import inherited
    from nas.networks.trained import WEIGHTS, save_trained

    file = _file_in(Path(config["supernet"]))
    source: Source = make(config["data"], "data", Source)
    with tempfile.TemporaryDirectory() as folder:
        model, card = inherited(network, file, source)
        kept = Path(folder, WEIGHTS)
        save_trained(model, card, kept)
        yield kept, card


def said_of(card: "Card", network: Arch) -> str:
    """Say in a line what size the weights are of, and how good they are as they are."""
    from nas.networks.cost import cost

    slim, whole = card.arch, network.replace(num_classes=card.arch.num_classes)
    sizes = [f"{cost(each).params:,} parameters at {each.resolution} px" for each in (slim, whole)]
    parts = [f"{network.name} with its part of the supernet: {sizes[0]}"]
    if sizes[0] != sizes[1]:
        parts.append(f"the supernet is slim; the whole network has {sizes[1]}")
    if card.minival is not None:
        parts.append(f"accuracy {card.minival:.4f} on the validation images")
    return "; ".join(parts)


def _check(config: Mapping[str, Any]) -> None:
    if config["weights"] is not None:
        raise UserError("weights: expected null where supernet is given, or the other way")
    if config["num_classes"] is not None:
        raise UserError("num_classes: expected null with supernet; the classes are its data's")
    if config["data"] is None:
        raise UserError(
            "data: expected the images that the supernet was trained on, such as data=parquet "
            "data.path=…: batch normalisation's statistics are taken of them"
        )


def _file_in(given: Path) -> Path:
    """The supernet's file: itself, or the only one in a run folder."""
    from nas.supernet.file import FILE

    if not given.is_dir():
        return given
    found = sorted([*given.glob(FILE), *given.glob(f"evaluators/**/{FILE}")])
    if len(found) == 1:
        return found[0]
    if not found:
        raise UserError(f"supernet: {given} has none; expected a run folder of evaluator=supernet")
    raise UserError(f"supernet: {given} has {len(found)}: expected one of them, such as {found[0]}")
