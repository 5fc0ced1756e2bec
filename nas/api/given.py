"""What callers give, as the settings that a verb has."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from nas.data.names import shown
from nas.defaults.conf import config_dir
from nas.verbs.compose import Option, composed
from nas.verbs.config import Config
from nas.verbs.setting_types import checked
from nas.verbs.settings import SETTINGS
from search_spaces.arch import Arch
from search_spaces.errors import UserError, told_under
from search_spaces.files import expanded, read_text
from search_spaces.parsing import closest
from search_spaces.space import Space
from search_spaces.yaml_io import load_arch
from search_spaces.yaml_text import load_yaml

if TYPE_CHECKING:
    from nas.data.sources import Source
    from nas.evaluators.base import Evaluator
    from nas.samplers.base import SamplerFactory
    from nas.searches.pricing import CostMetric
    from nas.searches.rewards import Reward
    from nas.training.recipe import Recipe

Chosen: TypeAlias = str | Option | Mapping[str, Any]
"""An option by its name, with settings that differ, or what differs from the default option."""
Networks: TypeAlias = Arch | str | Path
"""A network, the name of one of the zoo, or the path of a YAML file."""
Data: TypeAlias = "Chosen | Path | Source"
"""An option, a folder of images, parquet files by their path, or a source."""
Spaces: TypeAlias = Chosen | Path | Space
"""An option, the path of a YAML file, or a space."""
Evaluators: TypeAlias = "Chosen | Evaluator"
Recipes: TypeAlias = "Chosen | Recipe"
Samplers: TypeAlias = "Chosen | SamplerFactory"
Costs: TypeAlias = "Chosen | CostMetric"
Rewards: TypeAlias = "Chosen | Reward"


def settings_of(verb: str, options: Mapping[str, object], values: Mapping[str, Any]) -> Config:
    """The settings of a verb, each there and of its type. Raises UserError for those that are not.

    A `run` that is None is as `conf/` has it.
    """
    given = {name: value for name, value in values.items() if name != "run" or value is not None}
    made = composed(verb.replace("-", "_"), options, given)
    return checked(SETTINGS[verb], made)


def data_option(given: Data) -> object:
    """The option that data are, by their name or by where they lie.

    Raises UserError where neither is so.
    """
    if not isinstance(given, str | Path):
        return given
    known = [path.stem for path in (config_dir() / "data").glob("*.yaml")]
    if isinstance(given, str) and given in known:
        return given
    try:
        path = expanded(given)
        there = path.exists()
    except (OSError, RuntimeError):  # a name that is too long, or of a user that there is not
        there = False
    if not there:
        if isinstance(given, Path) or "/" in given:
            raise UserError(f"data: {shown(str(given))}: no such file or folder")
        raise UserError(
            f"data: {shown(given)}: neither a file or folder of images nor the name of an option"
            f"{closest(given, sorted(known))}"
        )
    rows = path.suffix == ".parquet" or (path.is_dir() and any(path.glob("*.parquet")))
    return Option("parquet" if rows else "imagefolder", path=str(path))


def space_option(given: Spaces) -> object:
    """The option that a space is: by its name, its file, or what it was loaded from.

    Raises UserError for a space that was made of no such data.
    """
    if isinstance(given, Space):
        if given.written is None:
            raise UserError(f"space: {given.name}: expected one that load_space has made")
        return given.written
    if isinstance(given, Path) or (isinstance(given, str) and given.endswith((".yaml", ".yml"))):
        written = load_yaml(read_text(expanded(given)), str(given))
        if not isinstance(written, Mapping):
            raise UserError(f"space: {given}: expected the fields of a space")
        return {"name": Path(given).stem, **written}
    return given


def network_of(given: Networks, setting: str) -> tuple[Arch, str]:
    """The network, and where it was read from or its name. Raises UserError for none."""
    if isinstance(given, Arch):
        return given, given.name
    with told_under(f"{setting}: "):
        if not isinstance(given, str | Path):
            raise UserError(f"expected a network, a name of the zoo or a YAML file, got {given!r}")
        return load_arch(str(given)), str(given)


def file_of(given: Networks) -> str:
    """Where a network was read from, which may say more of it; "" for one that was not."""
    return "" if isinstance(given, Arch) else str(given)
