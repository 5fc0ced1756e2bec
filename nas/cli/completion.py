"""What a shell offers for the word at the cursor: verbs, settings, options, values, files."""

import itertools
import os
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from nas.cli.composed import Composed, Folders
from nas.cli.shipped import shipped
from nas.cli.verbs import VERBS, Verb, module
from nas.verbs.setting_types import data, database, network, networks, path, paths, table_file
from nas.verbs.setting_types import inner as inner_reader
from search_spaces.errors import UserError
from search_spaces.parsing import closest

_HYDRAS = ("--help", "--cfg", "--config-dir", "--config-name", "--info", "--multirun")
_FILES = (path, paths, network, networks, table_file, database)
_PATHS = ("path", "start_from", "supernet")
"""Last parts of the names of options' settings that are files or folders."""
_SHOWN = {"--cfg": ("job", "hydra", "all")}

_BASH = """\
_nas_search() {
    local line="${COMP_LINE:0:COMP_POINT}" token prefix
    local -a found
    mapfile -t found < <(nas-search completion words "$line" 2>/dev/null)
    token="${line##*[[:space:]]}"
    # Bash takes a word apart at = and :, and replaces the last piece alone.
    prefix="${token%"${token##*[=:]}"}"
    COMPREPLY=("${found[@]#"$prefix"}")
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=/.] ]]; then
        compopt -o nospace
    fi
}
complete -F _nas_search nas-search
"""
_ZSH = """\
#compdef nas-search
_nas_search() {
    local each
    local -a found open closed
    found=("${(@f)$(nas-search completion words "$LBUFFER" 2>/dev/null)}")
    for each in $found; do
        if [[ $each == *[=/.] ]]; then open+=("$each"); else closed+=("$each"); fi
    done
    compadd -S '' -a open
    compadd -a closed
}
compdef _nas_search nas-search
"""
_FISH = """\
function __nas_search_words
    nas-search completion words (commandline -cp | string collect) 2>/dev/null
end
complete -c nas-search -f -a '(__nas_search_words)'
"""
_SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def completion(given: Sequence[str]) -> str:
    """What `nas-search completion SHELL` prints, or the words for a line up to its cursor.

    Raises UserError for a shell that there is no script for.
    """
    if len(given) == 2 and given[0] == "words":
        return "\n".join(words(given[1]))
    if len(given) != 1:
        raise UserError(f"completion: expected a shell: {', '.join(_SCRIPTS)}")
    if given[0] not in _SCRIPTS:
        raise UserError(f"completion: no script for {given[0]!r}{closest(given[0], _SCRIPTS)}")
    return _SCRIPTS[given[0]].rstrip("\n")


def words(line: str) -> list[str]:
    """Words that may stand in place of the last one of a line; none where nothing fits."""
    try:
        tokens = shlex.split(line)
    except ValueError:  # a quotation mark that is still open
        tokens = line.split()
    now = tokens.pop() if tokens and not line[-1:].isspace() else ""
    ours = [place for place, token in enumerate(tokens) if Path(token).name == "nas-search"]
    given = tokens[ours[-1] + 1 :] if ours else tokens
    try:
        found = _verbs(given) if not given else _of_verb(given, now)
        return sorted({word for word in found if word.startswith(now)})
    except (UserError, OSError):  # a mistake earlier in the line, which running it tells
        return []


def _verbs(given: Sequence[str]) -> Iterator[str]:
    yield from VERBS
    yield from ("completion", "help", "--help", "--version")


def _of_verb(given: Sequence[str], now: str) -> Iterator[str]:
    name, *before = given
    if name == "completion":
        yield from _SCRIPTS
        return
    verb = VERBS.get(name)
    if verb is None:
        return
    last = before[-1] if before else ""
    if last in _SHOWN:
        yield from _SHOWN[last]
    elif last == "--config-dir" or verb.flags.get(last, "").endswith("="):
        yield from _files(now)
    elif now.startswith("-"):
        yield from (*verb.flags, *_HYDRAS)
    else:
        yield from _settings(name, verb, before, now)


def _settings(name: str, verb: Verb, before: Sequence[str], now: str) -> Iterator[str]:
    composed, folders = _composed(name, verb, before)
    setting, equals, value = now.partition("=")
    choices = {**composed.choices, **dict.fromkeys(verb.places)}
    if equals:
        for each in _values(verb, composed, folders, setting, value):
            yield f"{setting}={each}"
        return
    yield from (f"{choice}=" for choice in choices)
    for path_ in _names(composed.settings, ""):
        beyond = path_[len(now) :] if path_.startswith(now) else None
        if beyond is not None and "_target_" not in path_:
            # One part at a time: a run has more than a hundred settings.
            head, dot, _ = beyond.partition(".")
            yield now + head + (dot or "=")
    if verb.positional is not None:
        if inner_reader(verb.settings[verb.positional]) in (network, networks):
            yield from _zoo()
        yield from _files(now)


def _values(
    verb: Verb, composed: Composed, folders: Folders, setting: str, value: str
) -> Iterator[str]:
    group = verb.places.get(setting, setting)
    if group in folders.groups() and (setting in composed.choices or setting in verb.places):
        refused = verb.refused.get(setting, ())
        yield from (each for each in folders.options(group) if each not in refused)
        return
    try:
        usual = composed.at(setting)
    except (KeyError, TypeError):
        return
    reader = inner_reader(verb.settings.get(setting, data))
    if isinstance(usual, bool):
        yield from ("true", "false")
    elif reader in _FILES or setting.rpartition(".")[2] in _PATHS:
        if reader in (network, networks):
            yield from _zoo()
        yield from _files(value)


def _composed(name: str, verb: Verb, before: Sequence[str]) -> tuple[Composed, Folders]:
    """The settings as far as the line has chosen options; what else it says does not matter."""
    own = [b for a, b in itertools.pairwise(before) if a == "--config-dir"]
    own += [each.partition("=")[2] for each in before if each.startswith("--config-dir=")]
    folders = Folders(own[-1] if own else None)
    chosen = [verb.places.get(n, n) + (f"@{n}" if n in verb.places else "") + f"={option}"
              for n, _, option in (each.partition("=") for each in before)
              if verb.places.get(n, n) in folders.groups()]  # fmt: skip
    for overrides in (chosen, []):
        found = shipped(module(name), overrides, folders)
        if found is not None:
            return found, folders
    return Composed({}, {}, ()), folders


def _names(node: Any, path_: str) -> Iterator[str]:
    if isinstance(node, dict) and node:
        for name, value in node.items():
            yield from _names(value, f"{path_}.{name}".lstrip("."))
    elif path_:
        yield path_


def _zoo() -> Sequence[str]:
    from search_spaces.zoo import understood

    return understood()


def _files(begun: str) -> Iterator[str]:
    """Files and folders that begin so; hidden ones only where a dot is given."""
    head, name = os.path.split(begun)
    folder = Path(os.path.expanduser(head) or ".")
    if not folder.is_dir():
        return
    for each in folder.iterdir():
        if each.name.startswith(name) and (name.startswith(".") or not each.name.startswith(".")):
            yield os.path.join(head, each.name) + ("/" if each.is_dir() else "")
