"""Help of a verb: its groups, their options, and the settings of what the command line chooses."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from nas.cli.compose import compose
from nas.cli.composed import Composed, ConfigSource, Folders
from nas.cli.overrides import Arguments
from nas.cli.shipped import shipped
from nas.cli.verbs import VERBS, Verb, module
from search_spaces.errors import UserError
from search_spaces.files import read_text
from search_spaces.yaml_text import PARSER


def help_of(name: str, arguments: Arguments) -> str:
    """What `name` can be told. Raises UserError for overrides that there are not."""
    verb = VERBS[name]
    parts = [f"nas-search {name}: {verb.summary}", f"usage:\n  {_usage(name, verb)}"]
    parts.append(f"example:\n  {verb.example}")
    folders = Folders(arguments.config_dir)
    for path in folders.paths:
        if not path.is_dir():
            raise UserError(f"--config-dir: {path}: no such folder")
    composed = _composed(name, arguments, folders)
    if composed.choices:
        width = max(map(len, composed.choices))
        rows = [
            f"  {group:<{width}}  {_options(group, chosen, folders, verb.refused.get(group, ()))}"
            for group, chosen in composed.choices.items()
        ]
        parts.append("groups, as group=option; what is chosen is marked *:\n" + "\n".join(rows))
    # A preset also speaks to verbs that have other groups.
    others = folders.groups() - composed.choices.keys() - verb.settings.keys()
    shown = {each: node for each, node in composed.settings.items() if each not in others}
    composed = replace(composed, settings=shown)
    lines = list(_Settings(composed, _comments(composed)).lines())
    none = "none"
    parts.append("settings:\n" + "\n".join(f"  {line}".rstrip() for line in lines or [none]))
    return "\n\n".join(parts)


def _usage(name: str, verb: Verb) -> str:
    """How the verb is called: arguments without a name come first."""
    plain = "" if verb.positional is None else f"[{verb.positional.upper()}{' …' * verb.many}] "
    flags = "".join(
        f"[{flag}{f' {setting[:-1].upper()}' if setting.endswith('=') else ''}] "
        for flag, setting in verb.flags.items()
    )
    return f"nas-search {name} {plain}{flags}[NAME=VALUE …]"


def _composed(name: str, arguments: Arguments, folders: Folders) -> Composed:
    """The configuration: Hydra is asked only where the files alone do not tell it."""
    plain = all(flag.startswith("--config-dir=") for flag in arguments.flags)
    found = shipped(module(name), arguments.overrides, folders) if plain else None
    return compose(module(name), arguments) if found is None else found


def _options(group: str, chosen: str | None, folders: Folders, refused: tuple[str, ...]) -> str:
    taken = [name for name in folders.options(group) if name not in refused]
    return ", ".join(f"{name}*" if name == chosen else name for name in taken)


@dataclass(frozen=True, slots=True)
class _Settings:
    """The composed settings as YAML, with the comments of the files they come from."""

    composed: Composed
    comments: Mapping[str, str]

    def lines(self, path: str = "") -> Iterator[str]:
        node = self.composed.at(path)
        inner = [f"{path}.{name}".lstrip(".") for name in node]
        pad = "  " * path.count(".") + ("  " if path else "")
        flat = [p for p in inner if not _is_nested(self.composed.at(p))]
        heads = [f"{pad}{p.rpartition('.')[2]}: {_spelt(self.composed.at(p))}" for p in flat]
        width = min(max(map(len, heads), default=0), 32)
        heads_of = dict(zip(flat, heads, strict=True))
        # A verb's own settings first, as they are what is set most.
        for p in [*flat, *(p for p in inner if p not in heads_of)] if not path else inner:
            comment = self.comments.get(p, "")
            if p in heads_of:
                yield f"{heads_of[p]:<{width}}  # {comment}" if comment else heads_of[p]
                continue
            yield f"{pad}{p.rpartition('.')[2]}:" + (f"  # {comment}" if comment else "")
            yield from self.lines(p)


def _is_nested(value: object) -> bool:
    return isinstance(value, Mapping) and bool(value)


def _spelt(value: object) -> str:
    import yaml

    text = yaml.safe_dump(value, default_flow_style=True, width=1 << 20, allow_unicode=True)
    text = text.removesuffix("...\n").strip()
    # An interpolation needs quotes in YAML's own dump alone.
    return text[1:-1] if text.startswith("'${") and text.endswith("}'") else text


def _comments(composed: Composed) -> dict[str, str]:
    """The comment beside each setting, by its path; a later file's in place of an earlier one's."""
    found: dict[str, str] = {}
    for source in composed.sources:
        text = read_text(source.path)
        if source.package:
            found[source.package] = head(text) or found.get(source.package, "")
        for path, comment in beside(text):
            found[f"{source.package}.{path}".lstrip(".")] = comment
    for source in composed.sources:
        for path, comment in _of_others(composed, source, found):
            found.setdefault(path, comment)
    return found


def _of_others(
    composed: Composed, source: ConfigSource, found: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """What other options of the same class say of settings that an option says nothing of."""
    if not source.package:
        return
    ours = composed.at(source.package)
    kind = ours.get("_target_") if isinstance(ours, Mapping) else None
    if kind is None or all(f"{source.package}.{name}" in found for name in ours if name[0] != "_"):
        return
    for other in sorted(source.path.parent.glob("*.yaml")):
        text = read_text(other)
        if re.search(rf"^_target_: {re.escape(kind)}$", text, re.MULTILINE):
            for path, comment in beside(text):
                yield f"{source.package}.{path}", comment


def head(text: str) -> str:
    """What a file says of itself in its first lines."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        if "@package" not in line:
            lines.append(line.lstrip("# "))
    return " ".join(lines)


def beside(text: str) -> Iterator[tuple[str, str]]:
    import yaml

    root, lines = yaml.compose(text, Loader=PARSER), text.splitlines()

    def walk(node: Any, path: str) -> Iterator[tuple[str, str]]:
        for key, value in node.value:
            inner = f"{path}.{key.value}".lstrip(".")
            if isinstance(value, yaml.MappingNode) and not value.flow_style:
                yield from walk(value, inner)
                continue
            # A block ends where the next one begins; its comment is beside its name.
            scalar = isinstance(value, yaml.ScalarNode)
            is_block = value.style in ("|", ">") if scalar else not value.flow_style
            mark = (key if is_block else value).end_mark
            comment = lines[mark.line][mark.column :].partition("#")[2].strip()
            for line in lines[mark.line + 1 :]:
                if not (comment and line.startswith(" ") and line.lstrip().startswith("#")):
                    break
                comment += " " + line.strip("# ")
            if comment:
                yield inner, comment

    if isinstance(root, yaml.MappingNode):
        yield from walk(root, "")
