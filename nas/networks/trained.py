"""Trained networks: weights in a file, and a card in its header that says what they are of."""

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import torch

from nas.networks import trained_header
from nas.networks.checkpoints import read_metadata
from nas.networks.cost import cost
from nas.networks.hub import MODEL, local_file
from nas.networks.model import Network, build
from nas.networks.tested import Accuracy, Tested
from nas.networks.weights import save_weights
from nas.statistics.metrics import METRICS, Metric
from search_spaces.arch import Arch
from search_spaces.checks import check_one_of, check_within
from search_spaces.errors import UserError, shown
from search_spaces.files import MOST_BYTES
from search_spaces.parsing import from_mapping

WEIGHTS = trained_header.WEIGHTS
"""The file of weights in the folder that a training leaves."""
KEY = trained_header.KEY
"""The name of the card's JSON text in the header of the file of weights."""
SUPERNET = "supernet"
"""The name of the text, in the header of a supernet's file, that says what it is of."""
_LEAST_BYTES = 2
"""Bytes of a weight in the smallest precision that is loaded."""
_LONGEST_NUMBER = 100

Numbers = tuple[float, float, float]


class OfSupernet(UserError):
    """A file that holds the weights of many networks, where those of one are expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What stays with the weights of a trained network.

    Raises UserError for impossible values, naming the field.
    """

    arch: Arch
    """As trained: its resolution, dropout and drop path too."""
    classes: tuple[str, ...]
    """The name of each class, in the order of the logits."""
    mean: Numbers
    """The mean of each channel, over images from 0 to 255. `std` is the deviation."""
    std: Numbers
    crop_pct: float
    """The part of an image's side that evaluation crops at the centre."""
    recipe: Mapping[str, Any]
    """The settings of the training: plain values by their names."""
    data: Mapping[str, str | int | float]
    """What the images were: the data's identity, and its name for people."""
    epochs: int
    best_epoch: int
    """The epoch the weights are of, from 1; chosen by the held-out images where there were any."""
    seed: int
    metric: Metric
    """What the data's networks are judged by."""
    minival: float | None
    """That metric on the images held out of the training split; None where none were."""
    test: Tested | None
    """What it is worth on the test split; None where that was not read."""
    start: str = ""
    """What the weights were before: a file, a reference to the hub, a member; "" for new ones."""
    supernet: str = ""
    """The supernet that the weights are a part of, with its digest; "" for weights that were
    trained as this network's own."""

    @property
    def worth(self) -> Accuracy | None:
        """The metric on the test split; None where that was not read."""
        return None if self.test is None else self.test.by(self.metric)

    def __post_init__(self) -> None:
        if len(self.classes) != self.arch.num_classes:
            expected = f"{self.arch.num_classes} names, one for each of the network's classes"
            raise UserError(f"classes: expected {expected}, got {len(self.classes)}")
        for name in ("mean", "std"):
            if not all(map(math.isfinite, getattr(self, name))):
                got = shown(getattr(self, name))
                raise UserError(f"{name}: expected finite numbers, got {got}")
        if not min(self.std) > 0:
            raise UserError(f"std: expected numbers above 0, got {shown(self.std)}")
        if not 0 < self.crop_pct <= 1:
            got = shown(self.crop_pct)
            raise UserError(f"crop_pct: expected a number above 0, at most 1, got {got}")
        for name in ("epochs", "best_epoch", "seed"):
            _check_least(name, getattr(self, name), 0)
        check_one_of("metric", self.metric, tuple(METRICS))
        if self.minival is not None:
            check_within("minival", self.minival, 0, 1)


def save_trained(model: Network, card: Card, path: Path) -> None:
    """Write the model's weights to the `.safetensors` file at `path`, the card in its header.

    Raises ValueError where the card is of another network, UserError for another suffix.
    """
    if model.arch.key() != card.arch.key():
        raise ValueError(f"the card is of {card.arch.name}, the weights of {model.arch.name}")
    save_weights(model, path, {KEY: _spelt(card)})


def read_card(path: str | Path) -> Card:
    """The card in the header of the file that `path` means to `load_trained`; no weights are read.

    Raises UserError for a file without one, cut short, or whose card is none, and OfSupernet for
    a supernet's.
    """
    path = weights_in(path)
    texts = read_metadata(path)
    text = texts.get(KEY)
    if text is None and SUPERNET in texts:
        raise OfSupernet(
            f"{path}: is a supernet, of many networks; nas-search export NETWORK supernet=FILE "
            f"data=… --format trained gives the weights of one"
        )
    if text is None:
        raise UserError(f"{path}: its header has no {KEY}; expected weights that `train` left")
    try:
        return from_mapping(Card, _parsed(text))
    except UserError as error:
        raise error.under(f"{path}: {KEY}: ") from None


def load_trained(path: str | Path) -> tuple[Network, Card]:
    """The network that a training left, ready for inference, and its card.

    `path` is the folder of the training, a folder made for the hub, a file of weights, or a
    reference to the hub, `hf-hub:OWNER/NAME`. Raises UserError for a file that is missing, cut
    short, has no card, or holds other weights than those of the card's network.
    """
    path = weights_in(path)
    card = read_card(path)
    size = path.stat().st_size
    # A card of a few bytes may describe a network that no machine has the memory for.
    if _LEAST_BYTES * cost(card.arch).params > size:
        what = f"{size:,} bytes are too few for the network of its card, {card.arch.name}"
        raise UserError(f"{path}: {what}")
    with torch.random.fork_rng(devices=[]):  # initial weights, of which none stay
        model = build(card.arch, weights=path)
    return model.eval(), card


def weights_in(path: str | Path) -> Path:
    """The file of weights that `path` is, that is in the folder there, or that is on the hub."""
    path = local_file(path)
    if not path.is_dir():
        return path
    for_hub = path / MODEL
    return for_hub if for_hub.exists() else path / WEIGHTS


def _spelt(card: Card) -> str:
    # In full, so that no later change of a default changes what was trained.
    fields = {field.name: getattr(card, field.name) for field in dataclasses.fields(card)}
    fields["arch"] = dataclasses.asdict(card.arch)
    fields["test"] = card.test and dataclasses.asdict(card.test)
    fields["recipe"], fields["data"] = dict(card.recipe), dict(card.data)
    # In ASCII, since names of folders need not be UTF-8, which the header has to be.
    return json.dumps(fields, allow_nan=False)


def _parsed(text: str) -> Any:
    """Plain data of JSON text; raises UserError for other text, and for too much of it."""
    if len(text) > MOST_BYTES:
        raise UserError(f"{len(text):,} characters; expected at most {MOST_BYTES:,}")
    try:
        return json.loads(text, parse_constant=_no_number, parse_int=_integer)
    except (ValueError, RecursionError) as error:
        raise UserError(f"not JSON: {error}") from None


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _integer(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:
        raise ValueError(f"an integer of {len(text)} digits")
    return int(text)


def _check_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise UserError(f"{name}: expected at least {least}, got {shown(value)}")
