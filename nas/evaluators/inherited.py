"""A network of a space with its part of a supernet's weights, as if it had been trained alone."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch

from nas.data.dataset import Dataset, identity, load, metric_of, splits, splitting
from nas.data.sources import Source
from nas.defaults.conf import default
from nas.evaluators.slimming import Slimming
from nas.networks.model import Network, build
from nas.networks.trained import Card, Numbers
from nas.supernet.candidate import candidate, recalibrate
from nas.supernet.file import first_difference, read_about, read_store
from nas.supernet.modules import skeleton
from nas.supernet.store import Store
from nas.training.fit import validate
from nas.training.recipe import Recipe
from search_spaces.arch import Arch
from search_spaces.errors import UserError, told_under
from search_spaces.parsing import from_mapping

_WHOLE_SQUARE = 1.0
"""The part of an image's side that candidates see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trained:
    """How a supernet was trained, as its file says."""

    recipe: Recipe
    epochs: int
    seed: int


def inherited(network: Arch, file: Path, source: Source) -> tuple[Network, Card]:
    """Give a network with its part of the supernet in `file`, and the card of these weights.

    It is the size that the supernet has of `network`: slim, as candidates are evaluated, or as it
    is where it is such a slim one itself. Statistics of batch normalisation are taken anew, over
    training images of `source`. The weights are copies. Raises UserError for a file that is no
    supernet or of other data, for a network that is not in it, and for data that cannot be used.
    """
    classes = splits(source).classes
    with told_under("supernet: "):
        about = read_about(file)
        with told_under(f"{file}: "):
            trained = from_mapping(_Trained, _of(about, _Trained))
            slimming = from_mapping(Slimming, _of(about, Slimming))
        _check_data(file, about, source)
        store = read_store(file)
        slim = _size_there(network, len(classes), store, slimming)
    data = load(source, slim.resolution)
    shared = candidate(store, slim)
    recalibrate(shared, data, default("evaluator/supernet", "recalibration"), trained.seed)
    return _copy(shared), Card(
        arch=slim,
        classes=classes,
        mean=_numbers(data.mean),
        std=_numbers(data.std),
        crop_pct=_WHOLE_SQUARE,
        recipe={**_plain(about), **_plain(about["recipe"])},
        data={"name": source.name, **identity(source)},
        epochs=trained.epochs,
        best_epoch=trained.epochs,
        seed=trained.seed,
        metric=metric_of(source),
        minival=_validated(shared, data, source, trained.recipe),
        test=None,
        supernet=f"{file} ({_digest(file)})",
    )


def _of(about: Mapping[str, Any], kind: type) -> dict[str, Any]:
    """The part of what a file says that a dataclass has fields for."""
    return {each.name: about[each.name] for each in fields(kind) if each.name in about}


def _check_data(file: Path, about: Mapping[str, Any], source: Source) -> None:
    ours = {"data": {**splitting(source), **identity(source)}}
    difference = first_difference({"data": about.get("data")}, ours)
    if difference is not None:
        raise UserError(f"{file} was trained on other data: {difference}")


def _size_there(network: Arch, classes: int, store: Store, slimming: Slimming) -> Arch:
    """The network as the supernet holds it. Raises UserError where it does not."""
    changes = {"num_classes": classes, "dropout": 0.0, "drop_path": 0.0}
    as_it_is = network.replace(**changes)
    try:
        store.sources(as_it_is, skeleton(as_it_is))
    except UserError:
        slim = slimming.slim(network).replace(**changes)
        store.sources(slim, skeleton(slim))
        return slim
    return as_it_is


def _copy(shared: Network) -> Network:
    with torch.random.fork_rng(devices=[]):  # initial weights, of which none stay
        model = build(shared.arch)
    model.load_state_dict(shared.state_dict())
    return model.eval()


def _validated(model: Network, data: Dataset, source: Source, recipe: Recipe) -> float | None:
    """The accuracy on the validation images; None for data that are judged by another metric."""
    if metric_of(source) != "accuracy":
        return None
    return validate(model, data, data.val, recipe)


def _numbers(channels: torch.Tensor) -> Numbers:
    red, green, blue = channels.tolist()
    return red, green, blue


def _plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that are single values, but for the name of a class."""
    single = (str, int, float, type(None))
    return {
        name: value
        for name, value in settings.items()
        if isinstance(value, single) and name not in ("kind", "seed", "epochs")
    }


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()[:16]
