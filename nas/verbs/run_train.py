"""The stage of a run in which members of its family are trained whole."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nas.defaults.conf import settings
from nas.verbs.columns import table
from nas.verbs.config import Config, make
from nas.verbs.settings import SETTINGS
from nas.verbs.trained_table import trained_table, with_interval
from nas.verbs.whole_trainings import FOLDER, asked_networks, member_names, trained
from search_spaces.errors import UserError, shown
from search_spaces.parsing import closest

if TYPE_CHECKING:
    from nas.networks.trained import Card
    from scaling_search.grow.members import Member
    from scaling_search.judge.forecast import FamilyForecast, MemberForecast

_OWN = ("members", "recipe", "resolution", "weights", "seed")


def is_asked(config: Config) -> bool:
    """Whether members are to be trained."""
    return bool(config["train"]["members"] != [])


def check(config: Config) -> None:
    """Raises UserError for a mistake that can be told before there is a family."""
    given = config["train"]
    for name in given:
        if name not in _OWN:
            raise UserError(f"train.{name}: no such setting{closest(name, _OWN)}")
    if not is_asked(config):
        return
    try:
        _check_members(member_names(given["members"]), config)
        for name in ("resolution", "seed", "weights"):
            SETTINGS["train"][name](name, given[name])

        from nas.data.dataset import splits
        from nas.data.sources import Source
        from nas.data.training_splits import training_splits
        from nas.verbs.training import Start, recipe_of  # brings torch
        from nas.verbs.training_crew import executor_name

        asked = stage_config(config)
        recipe = recipe_of(asked)
        Start.of(given["weights"])
    except UserError as error:
        raise error.under("train.") from None
    executor_name(config)
    source: Source = make(config["data"], "data", Source)
    try:
        training_splits(splits(source), recipe.minival, getattr(source, "seed", 0))
    except UserError as error:
        raise error.under("train." if str(error).startswith("recipe.") else "") from None


def stage_config(config: Config) -> Config:
    """The settings of `nas-search train` that do what the run is asked for."""
    given = config["train"]
    return {
        **{name: value for name, value in settings("train").items() if name != "defaults"},
        **{name: config[name] for name in SETTINGS["train"] if name in config},
        **{name: given[name] for name in _OWN},
        "network": None,
    }


def train_members(config: Config, run: Path) -> "dict[str, Card]":
    """Train the members that are asked for, or go on; what each is worth, by its name."""
    try:
        asked = stage_config(config)
        return trained(asked_networks(asked, run), asked, run)
    except UserError as error:
        is_own = str(error).startswith(tuple(f"{name}:" for name in _OWN))
        raise error.under("train." if is_own else "") from None


def report(
    cards: "Mapping[str, Card]",
    members: "Sequence[Member]",
    forecast: "FamilyForecast | None",
    run: Path,
) -> str:
    """What the trained members are worth, and beside it what proxies had led to expect."""
    lines = [trained_table(cards, run / FOLDER)]
    if forecast is not None:
        said = {m.label: each for m, each in zip(members, forecast.members, strict=True)}
        rows = [
            (
                name.upper(),
                with_interval(card.test.accuracy if card.test else None),
                _expected(said[name]) if card.test else "",
            )
            for name, card in cards.items()
        ]
        header = ("network", "test top-1 accuracy [95 %]", "expected proxy accuracy [95 %]")
        lines.append(table(header, rows))
    return "\n\n".join(lines)


def _expected(of: "MemberForecast") -> str:
    return f"{of.accuracy:.4f} [{of.low:.4f}, {of.high:.4f}]"


def _check_members(names: Sequence[str], config: Config) -> None:
    known = _labels(config)
    for name in names:
        if name not in known:
            raise UserError(f"members: {shown(name)}: the family has {', '.join(known)}")


def _labels(config: Config) -> list[str]:
    """What members can be called; limits, and targets below the baseline, may leave fewer."""
    if config["coefficients"] == "published":
        return [f"b{number}" for number in range(8)]
    if config["targets"] is not None:
        return [f"b{number}" for number in range(len(config["targets"]) + 1)]
    smaller = sum(phi < 0 for phi in config["phis"])
    larger = sum(phi > 0 for phi in config["phis"])
    return [f"b{number}" for number in range(-smaller, larger + 1)]
