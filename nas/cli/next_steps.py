"""What may be done next with what a verb has left, as commands that name the same data."""

import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nas.cli.overrides import Arguments, quoted
from nas.defaults.conf import config_dir
from nas.runs.folder import RunFolder
from nas.verbs.config import Config
from search_spaces.errors import UserError
from search_spaces.files import expanded, read_text
from search_spaces.yaml_text import load_yaml

_OF_TRAININGS = ("data", "recipe", "evaluator", "experiment", "ray")
"""Groups that a search's trainings depend on, which a sweep's are to be like."""


def next_steps(verb: str, arguments: Arguments, config: Config) -> list[str]:
    """The commands, one a line; none for a verb that nothing follows."""
    follow = _FOLLOWING.get(verb)
    # Of several processes that train together, the first alone speaks.
    if follow is None or os.environ.get("RANK", "0") != "0":
        return []
    run = Path(config["run"])
    return [shlex.join(["nas-search", *words]) for words in follow(run, arguments, config)]


def _after_search(run: Path, arguments: Arguments, config: Config) -> Iterator[list[str]]:
    yield ["sweep", str(run / "baseline.yaml"), *_same_trainings(arguments)]
    yield ["dashboard", str(run)]


def _after_sweep(run: Path, arguments: Arguments, config: Config) -> Iterator[list[str]]:
    if config["plan"]:
        return
    yield ["scale", str(config["baseline"]), "coefficients=formula", f"run={run}"]
    yield ["dashboard", str(run)]


def _after_scale(run: Path, arguments: Arguments, config: Config) -> Iterator[list[str]]:
    smallest = run / "family" / "b0.yaml"
    data = _data_of(run, arguments)
    if data and smallest.is_file():  # a published network's family is of no data yet
        yield ["train", str(smallest), *data]
        yield ["dashboard", str(run)]


def _after_train(run: Path, arguments: Arguments, config: Config) -> Iterator[list[str]]:
    members = config["members"] or []
    named = config["name"] or (members[0] if members else Path(str(config["network"])).stem)
    trained = run / "trained" / str(named)
    if trained.is_dir():
        yield ["evaluate", str(trained), *data_arguments(config["data"], arguments)]
        yield ["predict", str(trained), "images=PHOTOS"]
        yield ["export", str(trained), "--format", "onnx"]


def _after_run(run: Path, arguments: Arguments, config: Config) -> Iterator[list[str]]:
    members = config["train"]["members"]
    if members:
        yield from _after_train(
            run, arguments, {**config, "members": members, "name": None, "network": None}
        )
        return
    data = data_arguments(config["data"], arguments)
    yield ["train", str(run / "family" / "b0.yaml"), *data]
    yield ["cost", str(run / "family" / "b0.yaml"), str(run / "family" / "b1.yaml")]


_FOLLOWING = {
    "search": _after_search,
    "sweep": _after_sweep,
    "scale": _after_scale,
    "train": _after_train,
    "run": _after_run,
}


def _same_trainings(arguments: Arguments) -> list[str]:
    """The overrides, as they were given, that tell how networks are trained, and on what."""
    said = [
        each
        for each in arguments.overrides
        if each.lstrip("+~").partition("=")[0].partition(".")[0] in _OF_TRAININGS
    ]
    return [*_own_options(arguments), *said]


def _own_options(arguments: Arguments) -> list[str]:
    return ["--config-dir", arguments.config_dir] if arguments.config_dir else []


def _data_of(run: Path, arguments: Arguments) -> list[str]:
    """The data that a run folder's networks were found on; none where it does not say."""
    folder = RunFolder(run)
    for stage in ("sweep", "search"):
        evaluator = folder.made_with(stage).get("evaluator")
        data = evaluator.get("data") if isinstance(evaluator, Mapping) else None
        if isinstance(data, Mapping) and isinstance(data.get("_target_"), str):
            return data_arguments(data, arguments)
    return []


def data_arguments(data: Mapping[str, Any], arguments: Arguments) -> list[str]:
    """What chooses these data on a command line: an option, and the settings it lacks."""
    folders = [config_dir(), *([Path(arguments.config_dir)] if arguments.config_dir else [])]
    options = {path.stem: path for folder in folders for path in folder.glob("data/*.yaml")}
    best: list[str] | None = None
    for name, path in sorted(options.items()):
        try:
            settings = load_yaml(read_text(path), str(path))
        except UserError:  # another option of the user's own, which was not chosen
            continue
        if not isinstance(settings, Mapping) or settings.get("_target_") != data["_target_"]:
            continue
        said = [f"data={name}", *_differences(settings, data)]
        best = said if best is None or len(said) < len(best) else best
    return [*_own_options(arguments), *(best or [])]


def _differences(option: Mapping[str, Any], data: Mapping[str, Any]) -> Iterator[str]:
    for name, value in data.items():
        usual = option.get(name)
        if value == usual or (
            isinstance(usual, str) and usual.startswith("${") and value == _stem(data)
        ):
            continue
        yield f"{'' if name in option else '+'}data.{name}={_spelt(value)}"


def _stem(data: Mapping[str, Any]) -> str:
    return expanded(str(data.get("path"))).resolve().stem or "data"


def _spelt(value: object) -> str:
    if isinstance(value, str):
        return value if value.replace("/", "").replace("_", "").isalnum() else quoted(value)
    if isinstance(value, Sequence):
        return f"[{','.join(map(_spelt, value))}]"
    return (
        "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    )
