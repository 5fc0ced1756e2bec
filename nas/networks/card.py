"""The model card of a trained network: Markdown for people, YAML before it for the hub."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import yaml

from nas.networks.cost import cost
from nas.networks.tested import Accuracy, Tested
from nas.networks.trained import Card
from nas.statistics.metrics import METRICS, Metric
from search_spaces.errors import one_line

_TASK = "image-classification"
_ON_THE_HUB = re.compile(r"[\w.-]+/[\w.-]+")
_MOST_CLASSES = 200
"""Names of classes that are listed."""
_OWN_USE = """\
```python
from nas import load_trained

model, card = load_trained("FOLDER")  # this folder, or its file of weights
```
"""


def model_card(card: Card, use: str = _OWN_USE) -> str:
    """The text of a README.md, as the Hugging Face hub reads it; `use` says how to load the
    network, in Markdown."""
    front = yaml.safe_dump(_front(card), sort_keys=False, allow_unicode=True, width=100)
    parts = (
        f"---\n{front}---\n",
        f"# {_plain(card.arch.name)}\n",
        f"An image classifier, {_origin(card)} with nas-search. {_size(card)}\n",
        "## Accuracy\n",
        *_accuracy(card),
        "## Use\n",
        use,
        "## Images\n",
        _images(card),
        "## Data\n",
        _table(card.data.items()),
        "## Training\n",
        _training(card),
        _table(card.recipe.items()),
        "## Classes\n",
        _classes(card.classes),
    )
    return "\n".join(parts)


def _front(card: Card) -> dict[str, Any]:
    name = str(card.data.get("name", "unknown"))
    public = bool(_ON_THE_HUB.fullmatch(name))
    front: dict[str, Any] = {
        "library_name": "timm",
        "pipeline_tag": _TASK,
        "tags": [_TASK, "timm", "neural-architecture-search"],
    }
    if public:
        front["datasets"] = [name]
    front["metrics"] = ["accuracy"]
    if card.test is not None:
        kind = name if public else re.sub(r"[^\w.-]+", "-", name).strip("-.") or "unknown"
        result = {
            "task": {"type": _TASK},
            "dataset": {"name": name, "type": kind, "split": "test"},
            "metrics": [
                {"type": "accuracy", "value": each.value, "name": name}
                for name, each in _accuracies(card, card.test)
            ],
        }
        front["model-index"] = [{"name": card.arch.name, "results": [result]}]
    return front


def _origin(card: Card) -> str:
    return "with weights of a supernet, made" if card.supernet else "trained"


def _size(card: Card) -> str:
    arch, price = card.arch, cost(card.arch)
    return (
        f"It takes images of {arch.resolution} × {arch.resolution} pixels and {arch.in_channels} "
        f"channels, gives logits of {arch.num_classes} classes, and has {price.params:,} "
        f"parameters and {price.macs:,} multiply–adds."
    )


def _accuracy(card: Card) -> Iterator[str]:
    if card.test is None:
        yield "The test split was not read.\n"
    else:
        told = "; ".join(
            f"{name} {_with_interval(each)}" for name, each in _accuracies(card, card.test)
        )
        yield f"On the {card.test.images:,} images of the test split: {told}.{_fit(card.test)}\n"
    if card.minival is not None:
        chosen = "A search compares networks by them" if card.supernet else "They chose the epoch"
        yield (
            f"On the images held out of the training split, {METRICS[card.metric]}: "
            f"{card.minival:.4f}. {chosen}, so that this is no estimate for other images.\n"
        )


def _accuracies(card: Card, test: Tested) -> list[tuple[str, Accuracy]]:
    """Accuracies by their names; what the data's networks are judged by comes first."""
    metrics: list[Metric] = [card.metric]
    metrics += [] if card.metric == "accuracy" else ["accuracy"]
    top5 = [] if test.top5 is None else [("top-5 accuracy", test.top5)]
    return [*((METRICS[metric], test.by(metric)) for metric in metrics), *top5]


def _with_interval(accuracy: Accuracy) -> str:
    interval = f"{accuracy.low:.4f} to {accuracy.high:.4f}"
    return f"{accuracy.value:.4f}, with a 95 % interval of {interval}"


def _fit(test: Tested) -> str:
    if test.loss is None or test.calibration_error is None:
        return " Some logits were no finite numbers."
    return (
        f" The cross-entropy is {test.loss:.4f} nats, the expected calibration error "
        f"{test.calibration_error:.4f}."
    )


def _images(card: Card) -> str:
    mean, std = (", ".join(f"{x:g}" for x in numbers) for numbers in (card.mean, card.std))
    return (
        f"An image is resized (bicubic) so that the centre crop of {card.arch.resolution} pixels "
        f"is {card.crop_pct:g} of its shorter side. From pixels of 0 to 255 the mean {mean} is "
        f"subtracted, and the result divided by {std}.\n"
    )


def _training(card: Card) -> str:
    if card.supernet:
        return (
            f"These weights are this network's part of a supernet, which holds every network of a "
            f"space and was trained for {_epochs(card)} with seed {card.seed}: "
            f"{_plain(card.supernet)}. This network was not trained alone; its batch normalisation "
            "has statistics of its own, over training images.\n"
        )
    start = f"from the weights of {_plain(card.start)}" if card.start else "from new weights"
    return (
        f"{_epochs(card)} with seed {card.seed}, {start}; these are the weights of epoch "
        f"{card.best_epoch}.\n"
    )


def _epochs(card: Card) -> str:
    return "1 epoch" if card.epochs == 1 else f"{card.epochs} epochs"


def _classes(names: tuple[str, ...]) -> str:
    listed = ", ".join(map(_plain, names[:_MOST_CLASSES]))
    # At the beginning of a line such a name would begin a list, or be a line itself.
    listed = re.sub(r"^(\d*)([-+=.)])", r"\1\\\2", listed)
    more = len(names) - _MOST_CLASSES
    return f"{listed}{f' and {more:,} more, in the header of the weights' if more > 0 else ''}\n"


def _table(rows: Iterable[tuple[str, Any]]) -> str:
    lines = [f"| {_plain(name)} | {_plain(_value(value))} |" for name, value in rows]
    return "\n".join(("| setting | value |", "|---|---|", *lines, "")) if lines else ""


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_value(inner)}" for name, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_value, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)


def _plain(text: str) -> str:
    """A name as Markdown that shows it as it is, on one line."""
    return re.sub(r"([\\`*_{}\[\]<>#|!&~$])", r"\\\1", one_line(text))
