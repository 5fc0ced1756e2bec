"""Hydra's side of the command line: what a verb's configuration, options and overrides make."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas.cli.mistakes import of_composing
from nas.cli.overrides import Arguments, quoted
from nas.defaults.conf import config_dir
from nas.verbs.compose import FUNCTIONS
from nas.verbs.config import Config
from search_spaces.errors import UserError
from search_spaces.files import read_text
from search_spaces.yaml_text import load_yaml

if TYPE_CHECKING:
    from omegaconf import DictConfig

# The run folder is ours to lay out, and logging is the program's own.
_QUIET_HYDRA = (
    "hydra.run.dir=.",
    "hydra.output_subdir=null",
    "hydra/job_logging=none",
    "hydra/hydra_logging=none",
)


@dataclass(frozen=True, slots=True)
class ConfigSource:
    """A file that settings come from, and the setting that they lie in."""

    path: Path
    package: str


@dataclass(frozen=True, slots=True)
class Composed:
    """A configuration as the overrides make it, its interpolations as they are written."""

    settings: Config
    choices: Mapping[str, str | None]
    """The option chosen of each group."""
    sources: tuple[ConfigSource, ...]

    def at(self, path: str) -> Any:
        """The settings, or the one at a dotted path."""
        node: Any = self.settings
        for name in path.split(".") if path else ():
            node = node[name]
        return node


def names_of(settings: Config) -> list[str]:
    """The dotted path of every setting and group of settings."""
    return [name for name in _paths(settings, "") if name]


def with_config(verb: str, arguments: Arguments, task: Callable[[Config], None]) -> None:
    """Let Hydra compose the verb's configuration and call `task` with it, once for each job.

    Raises UserError, on one line, for whatever Hydra or OmegaConf refuse, and what `task` raises.
    """
    from omegaconf import OmegaConf

    _prepare(arguments.config_dir)
    raised: list[Exception] = []
    try:
        overrides = _group_overrides(arguments)
        added = _added(verb, arguments)
    except Exception as error:
        raise _of(error, verb, arguments) from None

    def job(composed: "DictConfig") -> None:
        # Hydra announces what a job raises in lines of its own; so an error waits until it is
        # done, and the jobs after it are not begun.
        if raised:
            return
        try:
            try:
                plain = OmegaConf.to_container(composed, resolve=True, throw_on_missing=True)
            except Exception as error:
                raise _of(error, verb, arguments) from None
            for name in added:
                if f"${{{name}" not in OmegaConf.to_yaml(composed):
                    raise UserError(f"{name}: no such setting of {verb}; nothing would read it")
            task(plain)  # type: ignore[arg-type]
        except Exception as error:
            raised.append(error)

    try:
        _run(verb, arguments.flags, [*overrides, *_QUIET_HYDRA], job)
    except Exception as error:
        raise _of(error, verb, arguments) from None
    if raised:
        raise raised[0]


def _run(
    verb: str, flags: Sequence[str], overrides: list[str], job: Callable[["DictConfig"], None]
) -> None:
    """Let Hydra call `job` as its command line would, which composes all settings twice."""
    import hydra
    from hydra.core.global_hydra import GlobalHydra

    ours = len(_QUIET_HYDRA)
    if flags or any("hydra" in override.partition("=")[0] for override in overrides[:-ours]):
        app = hydra.main(version_base="1.3", config_path=str(config_dir()), config_name=verb)(job)
        before = sys.argv
        sys.argv = [f"nas-search {verb}", *flags, *overrides]
        try:
            app()
        finally:
            sys.argv = before
        return
    # Nothing asks for several jobs, or for what Hydra prints: one composition tells all.
    with hydra.initialize_config_dir(str(config_dir()), version_base="1.3"):
        running = GlobalHydra.instance().hydra
        assert running is not None
        running.run(verb, job, overrides)


def compose(verb: str, arguments: Arguments) -> Composed:
    """The configuration that the arguments make. Raises UserError as `with_config` does."""
    _prepare(arguments.config_dir)
    try:
        overrides = _group_overrides(arguments)
        return _compose(arguments.config_name or verb, overrides, arguments.config_dir)
    except Exception as error:
        raise _of(error, verb, arguments) from None


def _compose(name: str, overrides: Sequence[str], own: str | None) -> Composed:
    import hydra
    from hydra.core.global_hydra import GlobalHydra
    from hydra.types import RunMode
    from omegaconf import OmegaConf, open_dict

    with hydra.initialize_config_dir(str(config_dir()), version_base="1.3"):
        given = [*_search_path(own), *overrides]
        made = hydra.compose(name, given, return_hydra_config=True)
        loader = GlobalHydra.instance().config_loader()
        parts = loader.compute_defaults_list(name, given, RunMode.RUN).defaults
    chosen = dict(made.hydra.runtime.choices)
    with open_dict(made):
        del made["hydra"]
    plain = OmegaConf.to_container(made, resolve=False)
    folders = [config_dir(), *([Path(own)] if own else [])]
    files = [
        ConfigSource(folder / f"{part.config_path}.yaml", part.package or "")
        for part in parts
        for folder in folders
        if part.config_path and not part.config_path.startswith("hydra")
    ]
    return Composed(
        settings=_named(plain),
        # `group@place` only puts an option there; the group is not to be chosen from.
        choices={g: o for g, o in reversed(chosen.items()) if "/" not in g and "@" not in g},
        sources=tuple(source for source in files if source.path.is_file()),
    )


def _settings(name: str, overrides: Sequence[str], own: str | None) -> Config:
    """The settings of `_compose` alone, in half its time."""
    import hydra
    from omegaconf import OmegaConf

    with hydra.initialize_config_dir(str(config_dir()), version_base="1.3"):
        made = hydra.compose(name, [*_search_path(own), *overrides])
    settings: Config = _named(OmegaConf.to_container(made, resolve=False))
    return settings


def _search_path(own: str | None) -> list[str]:
    return [f"hydra.searchpath=[{quoted('file://' + os.path.abspath(own))}]"] if own else []


def _prepare(own: str | None) -> None:
    from hydra.core.config_store import ConfigStore
    from omegaconf import OmegaConf

    os.environ["HYDRA_FULL_ERROR"] = "1"  # let errors reach us instead of ending the process
    folders = [config_dir(), *([Path(own)] if own else [])]
    samplers = sorted({path.stem for folder in folders for path in folder.glob("sampler/*.yaml")})
    # A bench has every sampler that there is, so that a new one is in it by being there.
    defaults = [{f"sampler@samplers.{name}": name} for name in samplers]
    ConfigStore.instance().store("every_sampler", {"defaults": defaults})
    for name, function in FUNCTIONS.items():
        OmegaConf.register_new_resolver(name, function, replace=True)


def _group_overrides(arguments: Arguments) -> list[str]:
    """The overrides, with options as names even where they look like numbers.

    Raises UserError, with file and line, for an option of the user's own that is not YAML.
    """
    overrides = []
    for override in arguments.overrides:
        name, _, value = override.partition("=")
        group = name.lstrip("+~").partition("@")[0]
        own = Path(arguments.config_dir) / group if arguments.config_dir else None
        if group and "." not in group and _is_folder(config_dir() / group, own):
            if value == "null":
                raise UserError(f"{name}: expected the name of an option, got null")
            if _is_scalar(value):
                override = f"{name}={quoted(value)}"
            file = own / f"{value}.yaml" if own and len(value) < 200 else None
            if file is not None and file.exists():
                load_yaml(read_text(file), str(file))
        overrides.append(override)
    return overrides


def _is_folder(*paths: Path | None) -> bool:
    try:
        return any(path is not None and path.is_dir() for path in paths)
    except (OSError, ValueError):  # no name of a file at all
        return False


def _is_scalar(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return value.lower() in ("true", "false")
    return True


def _of(error: Exception, verb: str, arguments: Arguments) -> Exception:
    """The user's mistake behind an error in composing, which reads what users wrote."""
    from hydra.errors import HydraException

    system = isinstance(error, OSError | MemoryError) and not isinstance(error, HydraException)
    if system or isinstance(error, UserError):
        return error

    def names() -> list[str]:
        # Only an unknown name asks for all that there are, with the same options chosen.
        options = [o for o in arguments.overrides if "." not in o.partition("=")[0]]
        for overrides in (options, [o for o in options if _is_option(o)], []):
            try:
                return names_of(
                    _settings(arguments.config_name or verb, overrides, arguments.config_dir)
                )
            except Exception:  # they may be what is wrong
                continue
        return []

    return of_composing(error, names)


def _is_option(override: str) -> bool:
    return _is_folder(config_dir() / override.partition("=")[0].lstrip("+").partition("@")[0])


def _added(verb: str, arguments: Arguments) -> list[str]:
    """Settings added beside those that a verb has; only others can refer to them."""
    names = [o.partition("=")[0].lstrip("+") for o in arguments.overrides if o.startswith("+")]
    names = [n for n in names if n and not set("./@") & set(n) and not _is_folder(config_dir() / n)]
    if not names:
        return []
    known = _settings(arguments.config_name or verb, [], arguments.config_dir)
    return [name for name in names if name not in known]


def _named(node: Any) -> Any:
    """The settings with names that are text; names in YAML may be numbers."""
    if isinstance(node, Mapping):
        return {str(name): _named(value) for name, value in node.items()}
    return node


def _paths(node: object, path: str) -> list[str]:
    if not isinstance(node, Mapping):
        return [path]
    inner = [_paths(value, f"{path}.{name}".lstrip(".")) for name, value in node.items()]
    return [path, *(each for paths in inner for each in paths)]
