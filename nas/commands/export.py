"""`nas-search export`: a network for timm, for ONNX runtimes, or as a torch.export program."""

from collections.abc import Callable, Mapping
from pathlib import Path

from nas.config import Config
from search_spaces.arch import Arch
from search_spaces.errors import UserError
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
    given = {name: _path(config, name) for name in ("out", "weights")}
    out = given["out"] or Path(f"{Path(reference).stem}{suffix}")
    weights = given["weights"]
    if weights is not None and not weights.is_file():
        raise UserError(f"weights: {weights}: no such file")
    if out.is_dir():
        raise UserError(f"out: {out}: expected a file to write, this is a folder")
    print(write(arch, out, weights))


def _path(config: Config, name: str) -> Path | None:
    value = config[name]
    return None if value is None else Path(str(value)).expanduser()


def _timm(arch: Arch, out: Path, weights: Path | None) -> str:
    from nas.networks.timm_export import timm_source

    source = timm_source(arch)
    lines = [f"{arch.name} as timm's arguments: {out}"]
    if weights is not None:
        from nas.networks.model import build
        from nas.networks.weights import save_weights

        model = build(arch, weights=weights)
        out.parent.mkdir(parents=True, exist_ok=True)
        beside = out.with_suffix(".safetensors")
        save_weights(model, beside)
        lines.append(f"its weights under timm's names: {beside}")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(source, encoding="utf-8")
    return "\n".join(lines)


def _onnx(arch: Arch, out: Path, weights: Path | None) -> str:
    from nas.networks.export import export_onnx

    difference = export_onnx(arch, out, weights)
    return f"{arch.name} as ONNX: {out}; logits within {difference:.1g} of PyTorch's, relatively"


def _program(arch: Arch, out: Path, weights: Path | None) -> str:
    from nas.networks.export import export_program

    difference = export_program(arch, out, weights)
    return f"{arch.name} as a torch.export program: {out}; logits within {difference:.1g}"


_WRITERS: Mapping[str, tuple[str, Callable[[Arch, Path, Path | None], str]]] = {
    "timm": ("_timm.py", _timm),
    "onnx": (".onnx", _onnx),
    "program": (".pt2", _program),
}
"""Suffix of the file, and what writes it."""
