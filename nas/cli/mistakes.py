"""What Hydra, OmegaConf and YAML say of a mistake, in one line that names the setting."""

import errno
import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from search_spaces.errors import UserError, shown
from search_spaces.parsing import closest

_PATHS = ("path", "run", "table", "latency_table")


def of_composing(
    error: Exception, names: Callable[[], Iterable[str]], overrides: Sequence[str] = ()
) -> UserError:
    """The mistake behind an error that composing a configuration ended in.

    `names` are those of all settings, for a hint at the one that was meant.
    """
    text = " ".join(str(error).split())
    override = getattr(error, "override", None)
    if isinstance(override, str):
        return UserError(f"{override}: cannot be read; a value in quotes is taken as it stands")
    place = getattr(error, "full_key", None)
    if found := re.match(r"Could not override '([^']+)'", text):
        return UserError(_unknown(found[1], names()))
    if found := re.match(r"Could not delete from config\. '([^']+)' does not exist", text):
        known = list(names())
        if found[1] in known:
            return UserError(f"{found[1]}: cannot be left out; null is its value already")
        return UserError(_unknown(found[1], known))
    if found := re.match(r"Could not append to config\. An item is already at '([^']+)'", text):
        return UserError(f"{found[1]}: is a setting already; leave out the +")
    if found := re.match(r"In '[^']*': Could not find '([^']*)/([^'/]*)'", text):
        options = text.partition("Available options in")[2].partition(":")[2].split()
        options = list(dict.fromkeys(option.partition(" ")[0] for option in options))
        options = options[: options.index("Config")] if "Config" in options else options
        place = _chosen_at(found[1], found[2], overrides)
        if folder := _folder_as_data(f"{found[1]}/{found[2]}", overrides):
            path = f"data.path={printable(shlex.quote(folder))}"
            hint = f"; of a folder of images: data=imagefolder {path}"
            return UserError(f"data: no option {shown(folder)}{hint}")
        return UserError(f"{place}: no option {shown(found[2])}{closest(found[2], options)}")
    if found := re.match(r"In '[^']*': Could not load '([^']*)/([^'/]*)'", text):
        place = _chosen_at(found[1], found[2], overrides)
        return UserError(f"{place}: no option {shown(found[2])}; expected the name of one")
    if found := re.match(r"Ambiguous value for argument '([^=']+)=(.*?)' 1\. ", text):
        return UserError(
            f"{found[1]}: got {found[2]}; expected one value, a list as [{found[2]}], or "
            f"--multirun beside it to try each"
        )
    if found := re.match(r"Additional config directory '(.*?)' not found", text):
        return UserError(f"--config-dir: {found[1]}: no such folder")
    if text.startswith("Missing mandatory value"):
        return UserError(_missing(str(place)))
    if found := re.match(r"Interpolation key '([^']+)' not found", text):
        return UserError(f"{found[1]}: missing; {place} refers to it")
    return UserError(_said(error))


def _chosen_at(group: str, option: str, overrides: Sequence[str]) -> str:
    """The setting by which an option of a group was chosen: `sampler`, or `train.recipe`."""
    for override in overrides:
        name, _, value = override.lstrip("+").partition("=")
        chosen, _, place = name.partition("@")
        if chosen == group and value.strip("'") == option:
            return place or group
    return group


def _folder_as_data(chosen: str, overrides: Sequence[str]) -> str:
    """The folder that was given in place of an option of the data; empty where none was."""
    for override in overrides:
        name, _, value = override.partition("=")
        folder = value.strip("'")
        if name == "data" and chosen == f"data/{folder}" and Path(folder).is_dir():
            return folder
    return ""


def is_users(error: OSError) -> bool:
    """Whether the system refused a name that it could never accept: the user's mistake."""
    return error.errno in (
        errno.ENAMETOOLONG,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.EEXIST,
        errno.ELOOP,
        errno.EILSEQ,
        errno.EINVAL,
    )


def told(error: OSError) -> str:
    """The words for a name that the system refused."""
    if error.errno in (errno.EEXIST, errno.ENOTDIR):
        return "is a file; expected a folder"
    return error.strerror or str(error)


_LONGEST = 600
"""Characters of a mistake; what is longer repeats a long value, which its writer knows."""


def shortened(text: str) -> str:
    """The text without its middle where it is very long."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]} … {text[-_LONGEST // 2 :]}"


def printable(text: str) -> str:
    """The text on one line, with nothing in it that a terminal would obey."""
    line = re.sub(r"\s*\n\s*", " ", text.strip())
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in line
    )


def _unknown(name: str, names: Iterable[str]) -> str:
    known = list(names)
    prefix, _, last = name.rpartition(".")
    if name == "data.path" and known:
        return f"{name}: the data chosen lie in no place; give data=imagefolder or data=parquet too"
    if prefix == "serve" and last in ("host", "port"):
        return f"{name}: no page is served; give serve=true too"
    # A slip in the last part is nearest to what lies beside it; a short name may lie deeper.
    beside = [each for each in known if each.rpartition(".")[0] == prefix]
    deeper = [each for each in known if each.rpartition(".")[2] == last]
    for candidates in (beside, known):
        hint = closest(name, candidates)
        if "did you mean" in hint:
            break
    else:
        hint = f"; did you mean {deeper[0]!r}?" if deeper else ""
        few = ", ".join(beside) if 0 < len(beside) <= 20 else ""
        hint = hint or (f"; expected one of: {few}" if few else "")
    if f"{prefix}._target_" in known and "did you mean" not in hint:
        hint += f"; an argument of a class of your own: +{name}=…"
    return f"{name}: no such setting{hint}"


def _missing(place: str) -> str:
    last = place.rpartition(".")[2]
    if last == "_target_":
        return f"{place}: missing: expected the dotted name of a class; give {place}=…"
    what = "a path" if last in _PATHS else "a value"
    example = f"{place}=…"
    if place == "data.path":
        example = "data=imagefolder data.path=…"
    return f"{place}: missing: expected {what} ({example})"


def _said(error: Exception) -> str:
    import yaml

    if isinstance(error, yaml.YAMLError):
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        where = f"{_short(str(mark.name))}: line {mark.line + 1}: " if mark else ""
        return f"{where}not YAML: {problem}"
    if isinstance(error, RecursionError):
        return "the settings are nested too deeply"
    lines = [" ".join(line.split()) for line in str(error).splitlines() if line.strip()]
    cause = error.__cause__
    if cause is not None and str(cause).strip() and str(cause) not in str(error):
        lines.append(" ".join(str(cause).split()))
    said = " ".join(lines).partition(" Config search path:")[0]
    said = re.sub(r" (full_key|object_type|reference_type)[:=] ?\S+", "", said)
    place = getattr(error, "full_key", None)
    where = f"{place}: " if place and str(place) not in said else ""
    module = type(error).__module__.partition(".")[0]
    kind = "" if module in ("hydra", "omegaconf") else f"{type(error).__name__}: "
    return f"{where}{'settings: ' if kind else ''}{kind}{said or type(error).__name__}"


def _short(name: str) -> str:
    path = Path(name)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else name
