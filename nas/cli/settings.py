"""A verb's settings by their types: what is there, and what is missing or of another kind."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nas.cli.config import Config
from search_spaces.errors import UserError, shown

Reader = Callable[[str, object], Any]
"""From a setting's name and its value to the value to use; raises UserError for another kind."""


def path(name: str, given: object) -> str:
    """A file or a folder, with `~` for the home folder."""
    if not isinstance(given, str) or not given or "\0" in given:
        hint = f"; a file of that name is ./{given}" if _is_scalar(given) else ""
        raise UserError(f"{name}: expected a path, got {given!r}{hint}")
    try:
        given.encode("utf-8")
    except UnicodeEncodeError:
        raise UserError(f"{name}: expected a path in UTF-8, got {given!r}") from None
    return str(Path(given).expanduser())


def network(name: str, given: object) -> str:
    """A network of the zoo by its name, or a YAML file."""
    if not isinstance(given, str) or not given or "\0" in given:
        raise UserError(f"{name}: expected a network of the zoo or a YAML file, got {given!r}")
    return given


def networks(name: str, given: object) -> list[str]:
    """A list of such; numbers in it are names of files."""
    if not isinstance(given, list):
        raise UserError(f"{name}: expected zoo names or YAML files, got {given!r}")
    for index, each in enumerate(given):
        network(f"{name}[{index}]", each)
    return given


def text(name: str, given: object) -> str:
    """A name that is not a number."""
    if not isinstance(given, str) or not given:
        raise UserError(f"{name}: expected a name, got {given!r}")
    return given


def number(name: str, given: object) -> float:
    """A finite number."""
    if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
        raise UserError(f"{name}: expected a number, got {given!r}")
    return given


def flag(name: str, given: object) -> bool:
    """True or false."""
    if not isinstance(given, bool):
        raise UserError(f"{name}: expected true or false, got {given!r}")
    return given


def anything(name: str, given: object) -> Any:
    """What is checked where it is read."""
    return given


def optional(reader: Reader) -> Reader:
    """None, or what `reader` reads."""
    return lambda name, given: None if given is None else reader(name, given)


def group(*needed: str) -> Reader:
    """An option's settings, among them those that are needed."""

    def read(name: str, given: object) -> Any:
        if not isinstance(given, Mapping):
            raise UserError(f"{name}: expected an option's settings, got {given!r}")
        for each in needed:
            if each not in given:
                raise UserError(f"{name}.{each}: missing; leave it as it is, or give a value")
        return given

    return read


_EVALUATION = {"evaluator": group("_target_"), "ray": group()}
_SEARCH = {
    **_EVALUATION,
    "space": group(),
    "sampler": group("_target_"),
    "cost": group("_target_"),
    "reward": group("_target_"),
    "executor": group("name"),
    "search": group("workers", "start_from"),
    "run": path,
    "storage": anything,
    "study": optional(text),
    "from_csv": flag,
    "num_classes": anything,
    "latency_table": optional(path),
}
_RULE = {
    "constants": optional(path),
    "alpha": optional(number),
    "beta": optional(number),
    "gamma": optional(number),
    "depth_rounding": anything,
}
_FAMILY = {**_RULE, "coefficients": anything, "phis": anything}
_TIMING = ("threads", "batch", "dtype", "memory_format", "clock", "memory", "runs", "warmup")
_SETTINGS: Mapping[str, Mapping[str, Reader]] = {
    "run": {
        **_SEARCH,
        **_FAMILY,
        "sweep": group(),
        "sweep_executor": group("name"),
        "workers": anything,
    },
    "search": _SEARCH,
    "sweep": {
        **_EVALUATION,
        "sweep": group(),
        "executor": group("name"),
        "workers": anything,
        "baseline": network,
        "run": path,
        "plan": flag,
        "per_stage": anything,
    },
    "scale": {
        **_FAMILY,
        "baseline": network,
        "run": path,
        "depth": anything,
        "width": anything,
        "resolution": anything,
    },
    "ablate": {
        **_EVALUATION,
        **_RULE,
        "executor": group("name"),
        "workers": anything,
        "baseline": network,
        "run": path,
        "ratio": anything,
        "ratios": anything,
        "train": flag,
        "seeds": anything,
        "seed": anything,
    },
    "zoo": {},
    "cost": {"networks": networks, "check": flag},
    "latency": {
        **dict.fromkeys(
            (*_TIMING, "device", "seed", "contexts", "check", "quantile", "num_classes"), anything
        ),
        "space": group(),
        "networks": networks,
        "run": path,
        "table": lambda name, given: given if given in (None, True, False) else path(name, given),
    },
    "export": {
        "network": network,
        "format": optional(text),
        "num_classes": anything,
        "weights": optional(path),
        "out": optional(path),
    },
    "bench": {
        **dict.fromkeys(("only", "seeds", "seed", "trials", "at", "workers", "truth"), anything),
        **{name: group("_target_") for name in ("evaluator", "cost", "reward")},
        "space": group(),
        "samplers": group(),
        "run": path,
        "bar": optional(network),
        "processes": anything,
    },
    "proxy_check": {
        **_EVALUATION,
        **dict.fromkeys(("networks", "seed", "seeds", "proxies", "workers"), anything),
        **{name: group("_target_") for name in ("cost", "reward")},
        "space": group(),
        "executor": group("name"),
        "run": path,
        "latency_table": optional(path),
    },
    "dashboard": {"run": path},
}
"""Of each verb, the settings that it reads."""


def checked(verb: str, config: Config) -> Config:
    """The configuration with each of the verb's settings there and of its type.

    Raises UserError for the first that is missing or of another type.
    """
    _check_numbers(config, "")
    read = dict(config)
    for name, reader in _SETTINGS[verb].items():
        if name not in config:
            raise UserError(f"{name}: missing; leave it as it is, or give a value")
        read[name] = reader(name, config[name])
    return read


def _check_numbers(node: object, place: str) -> None:
    """Raises UserError for an integer that no file of settings gives back."""
    if isinstance(node, Mapping):
        for name, value in node.items():
            _check_numbers(value, f"{place}.{name}".lstrip("."))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            _check_numbers(value, f"{place}[{index}]")
    elif isinstance(node, int) and not -(2**63) <= node < 2**63:
        raise UserError(f"{place}: expected a number of up to 64 bits, got {shown(node)}")


def _is_scalar(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
