"""How good a trained network is on a split of the data."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from nas.data.dataset import digest_of_test, identity, metric_of, splits
from nas.data.loader import Batch, Loader
from nas.data.names import counted, shown, some
from nas.data.sources import Source, Split
from nas.networks.hub import is_reference
from nas.networks.model import build
from nas.networks.trained import read_card, weights_in
from nas.training.accuracy import Answers, answers
from nas.training.class_names import matched
from nas.training.classifier import IMAGENET_MEAN, IMAGENET_STD, ImageClassifier
from nas.training.devices import device_named
from nas.training.evaluation import evaluation
from nas.verbs.classifiers import check_there, inference, opened
from nas.verbs.config import Config, make
from nas.verbs.cores import available, loader_workers
from nas.verbs.evaluation_report import Evaluated
from nas.verbs.outputs import folder_to_write
from nas.verbs.progress import Pace, ProgressLine
from search_spaces.errors import UserError, one_line, told_under
from search_spaces.parsing import closest
from search_spaces.yaml_io import load_arch

_SPLITS = ("test", "val", "train")
_CROP = 0.875
"""The part of an image's side that is seen where nothing says otherwise"""


def evaluated(config: Config) -> Evaluated:
    """The metrics of a network on a split of the data.

    Raises UserError for a split without images, and weights that no finite number comes of.
    """
    check_there(config["weights"])
    split = config["split"]
    if split not in _SPLITS:
        raise UserError(f"split: got {split!r}{closest(split, _SPLITS)}")
    source: Source = make(config["data"], "data", Source)
    known = None if config["network"] is not None else opened(config["weights"], config)
    data = splits(source)
    classifier = known or _of_network(config, data.classes)
    chosen: Split = getattr(data, split)
    if not len(chosen):
        raise UserError(f"split: {shown(source.name)} has no images in its {split} split")
    images = matched(chosen, data.classes, classifier.classes, source.name)
    for note in _notes(source, classifier, split, images.absent):
        print(f"evaluate: {one_line(note)}", file=sys.stderr, flush=True)
    with inference(config):
        found = _answered(classifier, images.split, config)
    if not np.isfinite(found.loss).all():
        raise UserError(
            f"weights: {config['weights']}: its logits are no finite numbers for some images"
        )
    return Evaluated(
        classifier=classifier,
        weights=config["weights"],
        data={"name": source.name, **identity(source)},
        split=split,
        metric=metric_of(source),
        found=evaluation(found, len(classifier.classes)),
    )


def figures_folder(config: Config) -> Path:
    """Where the figures go. Raises UserError for weights on the hub and no other place named."""
    if config["out"] is not None:
        return folder_to_write("out", config["out"])
    if is_reference(config["weights"]):
        raise UserError("out: expected a folder for the figures, since the weights are on the hub")
    with told_under("weights: "):
        return weights_in(config["weights"]).parent


def _of_network(config: Config, classes: tuple[str, ...]) -> ImageClassifier:
    """The network that is named, for weights that do not say what they are of.

    Raises UserError for weights that do, and for those of other classes than the data's.
    """
    with told_under("weights: "):
        known = _network_of(config["weights"])
    if known is not None:
        raise UserError(f"network: expected none, since the weights say that they are of {known}")
    device = device_named(config["device"], "device")
    with told_under("network: "):
        arch = load_arch(config["network"]).replace(num_classes=len(classes))
    with told_under("weights: "):
        network = build(arch, weights=weights_in(config["weights"]))
        made = ImageClassifier.of(network, classes, IMAGENET_MEAN, IMAGENET_STD, _CROP, device)
    return made.seeing(config["resolution"], config["crop_pct"])


def _network_of(weights: str) -> str | None:
    """The network that weights say they are of; None where they say nothing."""
    try:
        return read_card(weights).arch.name
    except UserError:
        return None


def _notes(
    source: Source, classifier: ImageClassifier, split: str, absent: tuple[str, ...]
) -> Iterator[str]:
    """What a reader of the figures should know of the images."""
    card, name = classifier.card, shown(source.name)
    if absent:
        yield f"{name} has none of {counted(len(absent), 'class')} of the network: {some(absent)}"
    if card is None:
        yield (
            "the weights do not say how images were normalised: ImageNet's mean and standard "
            "deviation are taken, and the classes' order is the data's"
        )
    elif card.data.get("digest") != identity(source)["digest"]:
        yield f"{name} is not the data that the network was trained on, or has changed since"
    elif split == "test" and card.data.get("test digest") not in (None, digest_of_test(source)):
        yield (
            f"these test images of {name} are not those of its training, which may have learnt "
            "from some: data.seed or data.test_fraction was another"
        )
    if split == "train" or (split == "val" and splits(source).holds_val_out):
        yield f"`train` learns from the {split} images of {name}: new ones are harder"
    if split == "test":
        yield f"this reads the test images of {name}: a choice made by them needs others to test it"


def _answered(classifier: ImageClassifier, split: Split, config: Config) -> Answers:
    loader = Loader(
        split=split,
        transform=classifier.transform,
        batch_size=config["batch_size"],
        seed=0,
        workers=loader_workers(config, classifier.mean.device, available()),
    )
    line = ProgressLine("evaluate")
    batches = _told(loader.in_order(), len(split), line)
    try:
        return answers(classifier.network, batches, classifier.mean, classifier.std)
    finally:
        line.end()


def _told(batches: Iterator[Batch], images: int, line: ProgressLine) -> Iterator[Batch]:
    """The batches; a terminal is told how far it is, every second."""
    done, told, pace = 0, time.monotonic(), Pace()
    for batch in batches:
        yield batch
        done += len(batch.labels)
        left = pace.step((images - done) // max(1, len(batch.labels)))
        if line.stream.isatty() and time.monotonic() - told >= 1:
            told = time.monotonic()
            line(done, images, "", left)
