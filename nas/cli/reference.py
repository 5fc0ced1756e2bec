"""The reference pages of the documentation, made of what the program itself reads.

`python -m nas.cli.reference docs/reference` writes them.
"""

import ast
import inspect
import itertools
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nas.cli.help import beside, head
from nas.cli.verbs import VERBS, Verb, module
from nas.defaults.conf import config_dir
from nas.trainings.record import TrainingRecord
from search_spaces.files import read_text, write_text
from search_spaces.yaml_text import load_yaml

_WIDTH = 100
_MADE = "<!-- Made by `make reference`; changes belong into conf/ and the code. -->"


def pages() -> dict[str, str]:
    """The text of each page, by the name of its file."""
    return {"verbs.md": _verbs(), "options.md": _options(), "run-folder.md": _run_folder()}


def run_folder() -> Mapping[str, Any]:
    """What runs leave: `files`, `records` and `tables`, by their names."""
    return _yaml(Path(__file__).with_name("run_folder.yaml"))


def _verbs() -> str:
    parts = [
        _MADE,
        "# Verbs",
        _folded(
            "`nas-search VERB NAME=VALUE …`; `nas-search VERB --help` "
            "shows the same on the terminal, with the settings of the options that are chosen."
        ),
    ]
    for name, verb in VERBS.items():
        file = config_dir() / f"{module(name)}.yaml"
        parts += [f"## {name}", _folded(_sentence(verb.summary)), f"```\n{_wrapped(verb)}\n```"]
        if groups := list(_groups(file, verb)):
            parts += ["Groups ([options](options.md)):", "\n".join(groups)]
        if settings := list(_settings(file)):
            parts += ["Settings:", "\n".join(settings)]
    return "\n\n".join(parts) + "\n"


def _wrapped(verb: Verb) -> str:
    """The example, on lines that a shell joins."""
    lines = textwrap.wrap(
        verb.example,
        _WIDTH - 2,
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return " \\\n".join(lines)


def _groups(file: Path, verb: Verb) -> Iterator[str]:
    """A line for each group of the verb: the option that it chooses by itself."""
    for entry in _yaml(file).get("defaults", []):
        if not isinstance(entry, Mapping):
            continue
        for group, option in entry.items():
            folder, _, place = str(group).partition("@")
            if not (config_dir() / folder).is_dir():
                continue
            said = f"`{place or folder}={option}`" if option else f"`{place or folder}`, none"
            refused = verb.refused.get(folder, ())
            without = f"; not {', '.join(refused)}" if refused else ""
            yield _item(f"{said} of [{folder}](options.md#{folder}){without}")


def _options() -> str:
    parts = [
        _MADE,
        "# Options",
        _folded(
            "An option is a file `conf/GROUP/OPTION.yaml`, chosen as "
            "`GROUP=OPTION`; its settings are `GROUP.NAME=VALUE`. Those of an experiment are "
            "settings of the verb's own."
        ),
    ]
    for folder in sorted(path for path in config_dir().iterdir() if path.is_dir()):
        parts.append(f"## {folder.name}")
        for file in sorted(folder.glob("*.yaml")):
            parts.append(f"### {folder.name}={file.stem}")
            if said := head(read_text(file)):
                parts.append(_folded(said))
            parts.append("\n".join(_settings(file)) or "No settings.")
    return "\n\n".join(parts) + "\n"


def _settings(file: Path) -> Iterator[str]:
    """An item for each setting of a file: its name, its default, and what it means."""
    comments = dict(beside(read_text(file)))
    for name, value in _flat(_yaml(file), ""):
        if name.partition(".")[0] != "defaults":
            meaning = comments.get(name, "")
            yield _item(f"`{name}`, `{_spelt(value)}`" + (f": {meaning}" if meaning else ""))


def _flat(node: Mapping[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    for name, value in node.items():
        inner = f"{path}.{name}".lstrip(".")
        if isinstance(value, Mapping) and value:
            yield from _flat(value, inner)
        else:
            yield inner, value


def _spelt(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(map(_spelt, value))}]"
    return str(value) if value != "" else '""'


def _run_folder() -> str:
    left = run_folder()
    parts = [
        _MADE,
        "# The run folder",
        "What the verbs leave in `run=…`. `<…>` stands for names.",
        "## Files",
        "\n".join(_item(f"`{n}`: {is_}") for n, is_ in left["files"].items()),
        "## Records",
        _folded(
            "A line of JSON for each, on disk before it counts. Lines of "
            "trainings have these fields, beside `key`, the digest of the network."
        ),
        "\n".join(_fields(TrainingRecord)),
        "\n".join(_item(f"`{n}`: {is_}") for n, is_ in left["records"].items()),
        "## Tables",
    ]
    for name, table in left["tables"].items():
        columns = "\n".join(_item(f"`{n}`: {is_}") for n, is_ in table["columns"].items())
        parts += [f"### {name}", _folded(_sentence(table["is"])), columns]
    return "\n\n".join(parts) + "\n"


def _fields(kind: type) -> Iterator[str]:
    """An item for each field of a dataclass, with the text that stands under it."""
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(body, ast.ClassDef)
    for node, after in itertools.pairwise([*body.body, None]):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            said = _text(after)
            meaning = f": {said}" if said else ""
            yield _item(f"`{node.target.id}`, `{ast.unparse(node.annotation)}`{meaning}")


def _text(node: ast.stmt | None) -> str:
    """What a string says that stands by itself; empty for other statements."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return str(node.value.value)
    return ""


def _yaml(file: Path) -> Mapping[str, Any]:
    read = load_yaml(read_text(file), str(file))
    return read if isinstance(read, Mapping) else {}


def _item(text: str) -> str:
    return _folded(f"- {text}", "  ")


def _folded(text: str, indent: str = "") -> str:
    return textwrap.fill(
        " ".join(text.split()),
        _WIDTH,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:].rstrip(".") + "."


def main(folder: str) -> None:
    """Write the pages into a folder."""
    for name, text in pages().items():
        write_text(Path(folder) / name, text)


if __name__ == "__main__":
    main(sys.argv[1])
