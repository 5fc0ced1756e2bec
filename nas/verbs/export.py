"""A network for timm, the hub, ONNX runtimes, int8 too, as a torch.export program, or trained."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from nas.verbs.config import Config
from nas.verbs.outputs import file_to_write, folder_to_write
from nas.verbs.supernet_weights import part_of_supernet, said_of
from search_spaces.arch import Arch
from search_spaces.errors import UserError, told_under
from search_spaces.files import expanded, write_text
from search_spaces.parsing import closest
from search_spaces.yaml_io import load_arch

if TYPE_CHECKING:
    from nas.networks.export import Dynamic
    from nas.networks.model import Network
    from nas.networks.trained import Card

_HUB = "hf-hub:"
"""As in nas.networks.hub, which brings torch."""


@dataclasses.dataclass(frozen=True, slots=True)
class Exported:
    """What an export has written."""

    path: Path
    """The file or the folder."""
    said: str
    """What it is, and how it was checked, for the terminal."""


def exported(config: Config) -> Exported:
    """Write the network in the format asked for. Raises UserError for what cannot be."""
    kind = config["format"]
    if kind not in _WRITERS:
        raise UserError(f"format: got {kind!r}{closest(kind, _WRITERS)}")
    arch, weights, name = _subject(config)
    suffix, write = _WRITERS[kind]
    given = config["out"] or f"{name}{suffix}"
    out = folder_to_write("out", given) if kind in _FOLDERS else file_to_write("out", given)
    dynamic = _dynamic(config["dynamic"], kind)
    asked = Request(out, weights, config["num_classes"], dynamic, config)
    if config["supernet"] is None:
        if config["data"] is not None and kind not in _OF_IMAGES:
            only = "expected null without supernet or format=int8"
            raise UserError(f"data: {only}; nothing else would read images")
        return Exported(out, write(arch, asked))
    with part_of_supernet(arch, config) as (file, card):
        of_part = dataclasses.replace(asked, weights=str(file), num_classes=None)
        return Exported(out, f"{said_of(card, arch)}\n{write(card.arch, of_part)}")


def _dynamic(given: str, kind: str) -> "Dynamic":
    """What of the images' shape is to be free. Raises UserError for a format with no such thing."""
    if given not in ("batch", "size"):
        raise UserError(f"dynamic: got {given!r}{closest(given, ('batch', 'size'))}")
    if given == "size" and kind not in _OF_SHAPES:
        raise UserError(
            f"dynamic: expected batch for format={kind}, which takes images of any size"
        )
    return "size" if given == "size" else "batch"


def _subject(config: Config) -> tuple[Arch, str | None, str]:
    """The network, its weights if there are any, and what its file is called after.

    A network is described in a file or by a name, it is a trial's, or it is a trained one, which
    brings its weights.
    """
    reference, weights = str(config["network"]), config["weights"]
    if config["trial"] is not None:
        name = f"trial_{config['trial']}"
        return _of_trial(expanded(reference), config["trial"], name), weights, name
    if _is_trained(reference):
        if config["supernet"] is not None:
            raise UserError(f"supernet: {reference} has its own weights; expected no others")
        from nas.networks.trained import read_card

        if weights is not None:
            raise UserError(f"weights: {reference} has its own; expected no others")
        with told_under("network: "):
            arch = read_card(reference).arch
        return arch, reference, arch.name
    with told_under("network: "):
        arch = load_arch(reference)
    if weights is None:
        return arch, None, Path(reference).stem
    weights = str(weights)
    if not weights.startswith(_HUB) and not expanded(weights).exists():
        raise UserError(f"weights: {weights}: no such file")
    return arch, weights, Path(reference).stem


def _of_trial(run: Path, number: int, name: str) -> Arch:
    """The network of a trial of a run folder. Raises UserError where there is none."""
    from nas.runs.study import recorded

    if not run.is_dir():
        raise UserError(f"network: {run}: expected the run folder of trial {number}")
    records = recorded(run)
    for record in records:
        if record.number == number:
            return record.arch.replace(name=name)
    raise UserError(f"trial: {run} has {len(records)} trials, and none of the number {number}")


def _is_trained(reference: str) -> bool:
    """Whether a network is named by its weights: a file, the folder of a training, or the hub."""
    path = expanded(reference)
    return reference.startswith(_HUB) or path.is_dir() or path.suffix == ".safetensors"


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """The options of an export beside the network and the format."""

    out: Path
    weights: str | None
    """A file, a folder that a training left, or a reference to the hub."""
    num_classes: int | None
    """In place of the network's own."""
    dynamic: "Dynamic"
    """What of the images' shape is free."""
    settings: Config
    """Those of formats that read images: `data`, `calibration`, `validation`."""

    def file(self) -> Path | str | None:
        """The weights as `build` takes them."""
        if self.weights is None:
            return None
        from nas.networks.trained import weights_in

        with told_under("weights: "):
            found = weights_in(self.weights)
        return found if found.exists() else self.weights

    def untrained(self) -> str:
        """What a line is to say where no weights were given."""
        from nas.networks.export import SEED

        return "" if self.weights else f"; untrained weights (seed {SEED})"


def _timm(arch: Arch, request: Request) -> str:
    from nas.networks.timm_export import timm_source

    classes = request.num_classes
    source = timm_source(arch if classes is None else arch.replace(num_classes=classes))
    out = request.out
    lines = [f"{arch.name} as timm's arguments: {out}"]
    if request.weights is not None:
        from nas.networks.export import seeded
        from nas.networks.weights import save_weights

        beside = out.with_suffix(".safetensors")
        if beside == out:
            raise UserError(f"out: {out}: expected a Python module; its weights go beside it")
        save_weights(seeded(arch, request.file(), classes), beside)
        lines.append(f"its weights under timm's names: {beside}")
    out.parent.mkdir(parents=True, exist_ok=True)
    write_text(out, source)
    return "\n".join(lines)


def _onnx(arch: Arch, request: Request) -> str:
    from nas.networks.export import export_onnx

    difference = export_onnx(
        arch, request.out, request.file(), request.num_classes, request.dynamic
    )
    within = f"logits within {difference:.1g} of PyTorch's, relatively"
    return f"{arch.name} as ONNX: {request.out}; {within}{request.untrained()}"


def _program(arch: Arch, request: Request) -> str:
    from nas.networks.export import export_program

    difference = export_program(
        arch, request.out, request.file(), request.num_classes, request.dynamic
    )
    within = f"logits within {difference:.1g}{request.untrained()}"
    return f"{arch.name} as a torch.export program: {request.out}; {within}"


def _int8(arch: Arch, request: Request) -> str:
    from nas.verbs.int8_export import int8

    _trained_one(arch, request)
    asked = request.settings
    counts = (asked["calibration"], asked["validation"])
    return int8(str(request.weights), asked["data"], *counts, request.dynamic, request.out)


def _hub(arch: Arch, request: Request) -> str:
    from nas.networks.hub_folder import write_hub_folder

    model, card = _trained_one(arch, request)
    architecture = write_hub_folder(model, card, request.out)
    module = "" if architecture.known else f", once {architecture.name}.py in it is imported"
    loads = f'timm.create_model("local-dir:{request.out}", pretrained=True)'
    return f"{card.arch.name} for the hub: {request.out}\n{loads} loads it{module}"


def _trained(arch: Arch, request: Request) -> str:
    from nas.networks.trained_folder import NETWORK, write_trained_folder

    model, card = _trained_one(arch, request)
    write_trained_folder(model, card, request.out)
    return (
        f"{card.arch.name} as a training leaves it: {request.out}\n"
        f"nas-search train {request.out / NETWORK} weights={request.out} trains it further"
    )


def _trained_one(arch: Arch, request: Request) -> "tuple[Network, Card]":
    """The network and its card. Raises UserError for weights without one, or of another network."""
    from nas.networks.trained import load_trained

    if request.weights is None:
        left = "expected those that `nas-search train` left, with their classes and accuracy"
        kind = request.settings["format"]
        raise UserError(f"weights: {left}: nas-search export RUN/trained/b0 --format {kind}")
    model, card = load_trained(request.weights)
    if request.num_classes not in (None, card.arch.num_classes):
        classes = card.arch.num_classes
        raise UserError(f"num_classes: {request.weights} is trained for {classes} classes")
    if card.arch.key() != arch.replace(num_classes=card.arch.num_classes).key():
        raise UserError(f"weights: {request.weights}: are of {card.arch.name}, not {arch.name}")
    return model, card


_WRITERS: Mapping[str, tuple[str, Callable[[Arch, Request], str]]] = {
    "timm": ("_timm.py", _timm),
    "onnx": (".onnx", _onnx),
    "int8": ("_int8.onnx", _int8),
    "program": (".pt2", _program),
    "hub": ("_hub", _hub),
    "trained": ("_trained", _trained),
}
"""Suffix of the file or folder, and what writes it."""
_FOLDERS = ("hub", "trained")
_OF_SHAPES = ("onnx", "int8", "program")
"""Formats that fix the shape of the images."""
_OF_IMAGES = ("int8",)
"""Formats that images are read for."""
