"""Hydra's side of the command line: configuration as plain data, and objects made of it."""

import dataclasses
import os
import pkgutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from search_spaces.errors import UserError
from search_spaces.parsing import from_mapping

Config = dict[str, Any]

# The run folder is ours to lay out, and logging is the program's own.
_QUIET_HYDRA = (
    "hydra.run.dir=.",
    "hydra.output_subdir=null",
    "hydra/job_logging=none",
    "hydra/hydra_logging=none",
)


def config_dir() -> Path:
    """The shipped configs: inside the package in a wheel, beside it in a checkout."""
    installed = Path(__file__).parent / "conf"
    return installed if installed.is_dir() else Path(__file__).parent.parent / "conf"


def with_config(verb: str, arguments: Sequence[str], task: Callable[[Config], None]) -> None:
    """Let Hydra compose the verb's configuration and call `task` with it, once for each job.

    Raises UserError, on one line, for whatever Hydra or OmegaConf refuse.
    """
    import hydra
    from hydra.errors import HydraException
    from omegaconf import DictConfig, OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    os.environ["HYDRA_FULL_ERROR"] = "1"  # let errors reach us instead of ending the process
    OmegaConf.register_new_resolver("stem", _stem, replace=True)
    OmegaConf.register_new_resolver("home", _home, replace=True)

    mistakes: list[UserError] = []

    def job(composed: DictConfig) -> None:
        # Hydra announces what a job raises in lines of its own; so a mistake waits until it is
        # done, and the jobs after it are not begun.
        if mistakes:
            return
        try:
            plain = OmegaConf.to_container(composed, resolve=True, throw_on_missing=True)
            task(plain)  # type: ignore[arg-type]
        except UserError as error:
            mistakes.append(error)
        except OmegaConfBaseException as error:
            mistakes.append(UserError(_one_line(error)))

    app = hydra.main(version_base="1.3", config_path=str(config_dir()), config_name=verb)(job)
    before = sys.argv
    sys.argv = [f"nas-search {verb}", *arguments, *_QUIET_HYDRA]
    try:
        app()
    except (HydraException, OmegaConfBaseException) as error:
        raise UserError(_one_line(error)) from None
    finally:
        sys.argv = before
    if mistakes:
        raise mistakes[0]


def make(node: Any, path: str) -> Any:
    """The object that a configuration node with a `_target_` stands for, and so on inside it.

    A dataclass gets its fields checked by type, with the path of whatever does not fit. Raises
    UserError for a target that cannot be imported or does not take these arguments.
    """
    if isinstance(node, list):
        return [make(item, f"{path}[{i}]") for i, item in enumerate(node)]
    if not isinstance(node, Mapping):
        return node
    values = {name: make(v, f"{path}.{name}") for name, v in node.items() if name != "_target_"}
    if "_target_" not in node:
        return values
    target = _imported(node["_target_"], path)
    if dataclasses.is_dataclass(target):
        return from_mapping(target, values, path)  # type: ignore[arg-type]
    try:
        return target(**values)
    except UserError:
        raise
    except TypeError as error:
        raise UserError(f"{path}: {node['_target_']}: {error}") from None


def integer(name: str, given: object, least: int) -> int:
    """`given`, checked. Raises UserError, which names it by the setting's name."""
    if not isinstance(given, int) or isinstance(given, bool) or given < least:
        raise UserError(f"{name}: expected an integer of at least {least}, got {given!r}")
    return given


def _imported(name: object, path: str) -> Any:
    if not isinstance(name, str):
        raise UserError(f"{path}._target_: expected a dotted name, got {name!r}")
    if os.getcwd() not in sys.path:
        # A user's own module lies where they stand. Last: worker processes import by this path, and
        # a folder there of the name of a package is none of theirs.
        sys.path.append(os.getcwd())
    try:
        return pkgutil.resolve_name(name)
    except Exception as error:  # importing runs a user's module: anything may come of it
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{path}._target_: cannot import {name!r}: {reason}") from None


def _one_line(error: BaseException) -> str:
    lines = [" ".join(line.split()) for line in str(error).splitlines() if line.strip()]
    cause = error.__cause__
    if cause is not None and str(cause).strip() and str(cause) not in str(error):
        lines.append(" ".join(str(cause).split()))
    return " ".join(lines).partition(" Config search path:")[0]


def _stem(path: object) -> str:
    return Path(str(path)).expanduser().resolve().stem or "data"


def _home(baseline: object) -> str:
    """The run folder that a baseline belongs to: its own, or one named after the zoo's network."""
    path = Path(str(baseline))
    return str(path.parent) if path.suffix in (".yaml", ".yml") else f"results/{baseline}"
