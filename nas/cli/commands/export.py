"""`nas-search export`: a network for timm, for ONNX runtimes, or as a torch.export program."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path

from nas.cli.config import Config
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.files import write_text
from search_spaces.parsing import closest
from search_spaces.yaml_io import load_arch


def main(config: Config) -> None:
    """Write the network in the format asked for; print where, and how it was checked."""
    reference = str(config["network"])
    arch = load_arch(reference)
    kind = config["format"]
    if kind not in _WRITERS:
        raise UserError(f"format: got {kind!r}{closest(kind, _WRITERS)}")
    suffix, write = _WRITERS[kind]
    out = _path(config, "out") or Path(f"{Path(reference).stem}{suffix}")
    weights, num_classes = _path(config, "weights"), config["num_classes"]
    if weights is not None and not weights.exists():
        raise UserError(f"weights: {weights}: no such file")
    if out.is_dir():
        raise UserError(f"out: {out}: expected a file to write, this is a folder")
    print(write(arch, Request(out, weights, num_classes)))


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """The options of an export beside the network and the format."""

    out: Path
    weights: Path | None
    num_classes: int | None
    """In place of the network's own."""

    def untrained(self) -> str:
        """What a line is to say where no weights were given."""
        from nas.networks.export import SEED

        return "" if self.weights else f"; untrained weights (seed {SEED})"


def _path(config: Config, name: str) -> Path | None:
    value = config[name]
    return None if value is None else Path(str(value)).expanduser()


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
        save_weights(seeded(arch, request.weights, classes), beside)
        lines.append(f"its weights under timm's names: {beside}")
    out.parent.mkdir(parents=True, exist_ok=True)
    write_text(out, source)
    return "\n".join(lines)


def _onnx(arch: Arch, request: Request) -> str:
    from nas.networks.export import export_onnx

    difference = export_onnx(arch, request.out, request.weights, request.num_classes)
    within = f"logits within {difference:.1g} of PyTorch's, relatively"
    return f"{arch.name} as ONNX: {request.out}; {within}{request.untrained()}"


def _program(arch: Arch, request: Request) -> str:
    from nas.networks.export import export_program

    difference = export_program(arch, request.out, request.weights, request.num_classes)
    within = f"logits within {difference:.1g}{request.untrained()}"
    return f"{arch.name} as a torch.export program: {request.out}; {within}"


_WRITERS: Mapping[str, tuple[str, Callable[[Arch, Request], str]]] = {
    "timm": ("_timm.py", _timm),
    "onnx": (".onnx", _onnx),
    "program": (".pt2", _program),
}
"""Suffix of the file, and what writes it."""
