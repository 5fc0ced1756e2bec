"""An Arch as a YAML file: its fields, and an `about` section that says where it came from."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from search_spaces.arch import Arch
from search_spaces.errors import UserError, shown
from search_spaces.files import read_text, write_text
from search_spaces.parsing import closest, from_mapping, to_mapping
from search_spaces.yaml_text import load_yaml

# These fields are written even at their default, so that a reader need not know it.
_STAGE_FIELDS = ("op", "repeats", "kernel", "stride", "expand", "channels", "se")
_STEM_FIELDS = ("channels", "kernel", "stride", "pool")
_ARCH_FIELDS = ("name", "resolution", "num_classes", "stem", "stages", "head", "activation")


def load_arch(reference: str) -> Arch:
    """The network that a zoo name, its own or timm's, or the path of a YAML file stands for.

    Raises UserError where it is neither, or the file does not describe a network.
    """
    from search_spaces.zoo import (
        understood,
        zoo,
    )  # the zoo is a page of data most calls do not need

    if reference in understood():
        return zoo(reference)
    path = os.path.expanduser(reference)
    if path.endswith((".yaml", ".yml")) or os.path.exists(path):
        return read_arch(read_text(path), path)
    hint = closest(reference, understood())
    raise UserError(
        f"{shown(reference, 100)} is neither a network of the zoo nor a YAML file{hint}"
    )


def read_arch(text: str, source: str) -> Arch:
    """The network that YAML text describes; `source` names it in errors."""
    data = load_yaml(text, source)
    if isinstance(data, Mapping):
        data = {name: value for name, value in data.items() if name != "about"}
    try:
        return from_mapping(Arch, data)
    except UserError as error:
        raise error.under(f"{source}: ") from None


def read_about(path: str | Path) -> dict[str, Any]:
    """The `about` section of a network's file, such as its multipliers, cost and accuracy."""
    data = load_yaml(read_text(path), str(path))
    about = data.get("about") if isinstance(data, Mapping) else None
    return dict(about) if isinstance(about, Mapping) else {}


def arch_to_yaml(arch: Arch, about: Mapping[str, Any] | None = None) -> str:
    """YAML that is read back as an equal Arch, with a line for each stage."""
    fields = _with_defaults(arch, _ARCH_FIELDS)
    fields["stem"] = _with_defaults(arch.stem, _STEM_FIELDS)
    fields["stages"] = [_with_defaults(stage, _STAGE_FIELDS) for stage in arch.stages]
    text = _dump(fields, flow=None)
    return text if about is None else text + _dump({"about": dict(about)}, flow=False)


def _dump(part: Mapping[str, Any], flow: bool | None) -> str:
    """The mapping as YAML; `flow` None puts each innermost mapping, such as a stage, on a line."""
    return str(
        yaml.safe_dump(
            part, sort_keys=False, default_flow_style=flow, width=160, allow_unicode=True
        )
    )


def write_arch(arch: Arch, path: str | Path, about: Mapping[str, Any] | None = None) -> None:
    """Write the network's YAML, making the folder where it is missing."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    write_text(path, arch_to_yaml(arch, about))


def _with_defaults(value: Any, always: tuple[str, ...]) -> dict[str, Any]:
    changed = to_mapping(value)
    names = [*always, *(name for name in changed if name not in always)]
    return {name: _plain(getattr(value, name)) for name in names}


def _plain(value: Any) -> Any:
    if hasattr(value, "__dataclass_fields__"):
        return {name: getattr(value, name) for name in value.__dataclass_fields__}
    # 6.0 and 6 are the same ratio; people write 6.
    return int(value) if isinstance(value, float) and value.is_integer() else value
