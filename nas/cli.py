"""`nas-search`: the verbs, their help, and what a mistake looks like."""

import importlib
import itertools
import os
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from nas.config import Config, config_dir, with_config
from nas.interrupts import INTERRUPTED, interruptible
from search_spaces.errors import UserError
from search_spaces.parsing import closest


@dataclass(frozen=True, slots=True)
class Verb:
    """One thing `nas-search` does; `nas.commands.NAME.main` does it, `conf/NAME.yaml` sets it."""

    summary: str
    example: str
    positional: str | None = None
    """The setting that arguments without `=` fill."""
    many: bool = False
    """Whether several such arguments make a list."""
    flags: Mapping[str, str] = field(default_factory=dict)
    """Flags and the settings they stand for; one that ends in `=` takes the next argument."""


VERBS = {
    "run": Verb(
        "search, sweep, scale and draw, in one run folder",
        "nas-search run data=imagefolder data.path=~/pets search.trials=200",
        flags={"--from-csv": "from_csv=true"},
    ),
    "search": Verb(
        "find a baseline network",
        "nas-search search space=mnasnet search.trials=100 reward.target=300e6",
        flags={"--from-csv": "from_csv=true"},
    ),
    "sweep": Verb(
        "find the scaling constants α, β, γ of a baseline",
        "nas-search sweep baseline=results/digits/baseline.yaml",
        flags={"--plan": "plan=true"},
    ),
    "scale": Verb(
        "write a family of networks, B0 to B7, as YAML",
        "nas-search scale baseline=efficientnet_b0 coefficients=published",
    ),
    "ablate": Verb(
        "grow a baseline by depth, width or resolution alone and by all, at equal cost",
        "nas-search ablate baseline=mobilenet_v2 ratio=4",
    ),
    "zoo": Verb(
        "list the published networks that can be named",
        "nas-search zoo",
    ),
    "cost": Verb(
        "price networks: parameters, MACs, activations",
        "nas-search cost efficientnet_b0 results/digits/family/b3.yaml",
        positional="networks",
        many=True,
        flags={"--check": "check=true"},
    ),
    "latency": Verb(
        "time networks on this device, or every block of a space for a latency table",
        "nas-search latency efficientnet_b0 resnet50 threads=1",
        positional="networks",
        many=True,
        flags={"--table": "table=true"},
    ),
    "export": Verb(
        "write a network for timm, as ONNX, or as a torch.export program",
        "nas-search export results/digits/family/b3.yaml --format timm",
        positional="network",
        flags={"--format": "format="},
    ),
    "bench": Verb(
        "hold samplers against each other where all accuracies are known",
        "nas-search bench experiment=nas_bench_macro evaluator.path=nas-bench-macro_cifar10.json",
    ),
    "proxy-check": Verb(
        "how well does a proxy rank networks, beside their MACs alone?",
        "nas-search proxy-check data=parquet data.path=~/cifar10 'proxies={thin: {width: 0.1}}'",
    ),
    "dashboard": Verb(
        "draw a run folder as one HTML page",
        "nas-search dashboard results/digits",
        positional="run",
    ),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """The console script. Exits with 2 for a user's mistake, 1 where the system refuses, 130 when
    interrupted."""
    argv = list(sys.argv[1:] if arguments is None else arguments)
    go_on = (
        f"nas-search: interrupted; finished trials are kept. "
        f"To go on: nas-search {shlex.join(argv)}"
    )
    try:
        with interruptible(go_on):
            _dispatch(argv)
    except UserError as error:
        print(f"nas-search: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except OSError as error:  # a full disk, a folder that may not be written
        where = f"{error.filename}: " if error.filename else ""
        reason = error.strerror or str(error)
        print(f"nas-search: {where}{reason}; what is finished is kept", file=sys.stderr)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        print(go_on, file=sys.stderr)
        raise SystemExit(INTERRUPTED) from None


def _dispatch(argv: list[str]) -> None:
    if not argv or argv[0] in ("-h", "--help", "help"):
        print(_overview())
        return
    name, *rest = argv
    if name not in VERBS:
        raise UserError(f"no verb {name!r}{closest(name, VERBS)}")
    if any(argument in ("-h", "--help") for argument in rest):
        print(_help(name))
        return

    def command(config: Config) -> None:
        # Imported when it is called: most verbs need no framework.
        importlib.import_module(f"nas.commands.{_file(name)}").main(config)

    with_config(_file(name), _overrides(VERBS[name], rest), command)


def _file(verb: str) -> str:
    """What a verb's module and its configuration are called."""
    return verb.replace("-", "_")


def _overrides(verb: Verb, arguments: Sequence[str]) -> list[str]:
    """Hydra's flags, then overrides; arguments without `=` become the one they stand for."""
    flags: list[str] = []
    overrides: list[str] = []
    plain: list[str] = []
    left = iter(arguments)
    for argument in left:
        flag, _, value = argument.partition("=")
        if flag in verb.flags:
            overrides.append(_flagged(flag, verb.flags[flag], value or None, left))
        elif argument.startswith("-"):
            flags.append(argument)
            if argument in _VALUED:
                flags += itertools.islice(left, 1)
        elif "=" in argument or argument.startswith(("+", "~")):
            overrides.append(_at_home(argument))
        else:
            plain.append(argument)
    if plain and (verb.positional is None or (len(plain) > 1 and not verb.many)):
        raise UserError(f"unexpected argument {plain[-1]!r}: settings are given as name=value")
    if plain:
        value = ",".join(map(_quote, plain))
        overrides.append(f"{verb.positional}=" + (f"[{value}]" if verb.many else value))
    return [*flags, *overrides]


def _flagged(flag: str, setting: str, value: str | None, left: Iterator[str]) -> str:
    if not setting.endswith("="):
        if value is not None:
            raise UserError(f"{flag}: takes no value; {setting.partition('=')[0]}= does")
        return setting
    value = next(left, None) if value is None else value
    if value is None:
        raise UserError(f"{flag}: expected a value after it")
    return setting + _quote(value)


def _at_home(override: str) -> str:
    """Shells leave the ~ of `data.path=~/pets` as it is, and Hydra's grammar has none."""
    name, equals, value = override.partition("=")
    return name + equals + _quote(os.path.expanduser(value)) if value[:2] == "~/" else override


_VALUED = frozenset(
    ("--cfg", "-c", "--package", "-p", "--config-dir", "-cd", "--config-path", "-cp")
) | {"--config-name", "-cn", "--info", "-i"}
"""Flags of Hydra's that are followed by a value."""


def _quote(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _overview() -> str:
    width = max(map(len, VERBS))
    verbs = "\n".join(f"  {name:<{width}}  {verb.summary}" for name, verb in VERBS.items())
    return (
        "nas-search: from a dataset and a compute budget to a family of networks.\n\n"
        f"usage: nas-search VERB [name=value ...]\n\nverbs:\n{verbs}\n\n"
        "Every verb takes Hydra overrides and Hydra's flags: --cfg job, --multirun, --config-dir.\n"
        "nas-search VERB --help: a verb's settings, the options of its groups, and an example."
    )


def _help(name: str) -> str:
    verb = VERBS[name]
    text = (config_dir() / f"{_file(name)}.yaml").read_text(encoding="utf-8")
    parts = [f"nas-search {name}: {verb.summary}\n\nexample:\n  {verb.example}"]
    groups = _groups(text)
    if groups:
        width = max(map(len, groups))
        rows = [
            f"  {group:<{width}}  {_options(group, chosen)}" for group, chosen in groups.items()
        ]
        parts.append("groups, as group=option; the default is marked *:\n" + "\n".join(rows))
    sections = [text.partition("_self_\n")[2]]
    for group, chosen in groups.items():
        file = config_dir() / group / f"{chosen}.yaml"
        if file.exists():
            body = file.read_text(encoding="utf-8").strip()
            sections.append(f"{group}:\n" + _indent(body))
    parts.append("settings:\n" + _indent("\n".join(s.strip("\n") for s in sections if s.strip())))
    return "\n\n".join(parts)


def _groups(text: str) -> dict[str, str]:
    """The groups that a verb's defaults list names, with the option chosen."""
    import yaml

    defaults = (yaml.safe_load(text) or {}).get("defaults", [])
    pairs = [(n, o) for item in defaults if isinstance(item, dict) for n, o in item.items()]
    # `group@place` only puts an option there; the group is not to be chosen from.
    return {n.removeprefix("optional "): str(option) for n, option in pairs if "@" not in n}


def _options(group: str, chosen: str) -> str:
    names = sorted(path.stem for path in (config_dir() / group).glob("*.yaml"))
    return ", ".join(f"{name}*" if name == chosen else name for name in names)


def _indent(text: str) -> str:
    return "\n".join(f"  {line}" if line else "" for line in text.splitlines())
