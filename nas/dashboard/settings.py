"""What a run was made with, as its config.yaml has it under each of its stages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nas.runs.folder import ASKED
from nas.searches import rewards
from nas.searches.rewards import Front, TargetReward

REWARDS: Mapping[str, type[TargetReward]] = {
    f"{rewards.__name__}.{name}": cls
    for name, cls in vars(rewards).items()
    if isinstance(cls, type) and issubclass(cls, TargetReward) and cls is not TargetReward
}
_STAGES = frozenset({"search", "confirm", "sweep", "ablate", "parts"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the page says of the configuration; whatever it lacks is empty."""

    space: str = ""
    sampler: str = ""
    seed: str = ""
    reward: TargetReward | None = None
    """None where the configuration names none of ours."""
    search_evaluator: Mapping[str, Any] = field(default_factory=dict)
    """How the search's accuracies came about: dataset, resolution, width, epochs …"""
    confirm_evaluator: Mapping[str, Any] = field(default_factory=dict)
    """How those of its networks that were trained alone came about."""
    sweep_evaluator: Mapping[str, Any] = field(default_factory=dict)
    """How the sweep's came about."""
    ablation_evaluator: Mapping[str, Any] = field(default_factory=dict)
    """How the ablation's came about."""
    parts_evaluator: Mapping[str, Any] = field(default_factory=dict)
    """How those of parts that were taken apart came about, but for the recipe."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """What data all of them had, as records tell it: digest, splits, limit; empty where they had
    different ones."""
    stages: frozenset[str] = frozenset()
    """The stages that were begun: search, confirm, sweep, ablate, parts."""
    asked: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By stage, how much of it the last call asked for."""

    @property
    def trials_asked(self) -> int | None:
        """Finished trials that the search is to end with; None where that is not known."""
        asked = self._asked("search", "trials")
        return asked if isinstance(asked, int) else None

    @property
    def confirm_asked(self) -> int | None:
        """Networks that are to be trained alone when the search ends; None for none."""
        asked = self._asked("confirm", "confirm")
        return asked if isinstance(asked, int) else None

    @property
    def trainings_asked(self) -> int | None:
        """Trainings that the sweep does at most; None where that is not known."""
        asked = self._asked("sweep", "most")
        return asked if isinstance(asked, int) else None

    @property
    def epochs_asked(self) -> tuple[int, ...]:
        """Other numbers of epochs that the sweep trains a few networks for."""
        asked = self._asked("sweep", "epochs")
        return tuple(n for n in asked if isinstance(n, int)) if isinstance(asked, list) else ()

    @property
    def networks_beside(self) -> frozenset[str]:
        """Keys of networks that a sweep trains beside its candidates, such as the baseline."""
        asked = self._asked("sweep", "beside")
        return frozenset(map(str, asked)) if isinstance(asked, list) else frozenset()

    @property
    def seeds_asked(self) -> int:
        """Trainings of each network of the ablation."""
        asked = self._asked("ablate", "seeds")
        return asked if isinstance(asked, int) else 1

    def networks_asked(self, stage: str) -> frozenset[str] | None:
        """Keys of the networks that a stage is to train; None where they are not known."""
        asked = self._asked(stage, "networks")
        return frozenset(map(str, asked)) if isinstance(asked, list) else None

    def _asked(self, stage: str, name: str) -> object:
        return self.asked.get(stage, {}).get(name)

    @property
    def is_front(self) -> bool:
        """Whether the search had two objectives."""
        return isinstance(self.reward, Front)


def read_settings(config: Mapping[str, Any]) -> Settings:
    """The settings in a config.yaml; values of unexpected types count as absent."""
    search, sweep = _mapping(config.get("search")), _mapping(config.get("sweep"))
    sampler = _mapping(search.get("sampler"))
    options = _mapping(search.get("search"))
    return Settings(
        space=str(_mapping(search.get("space")).get("name", "")),
        sampler=str(sampler.get("sampler") or sampler.get("_target_") or "").rpartition(".")[2],
        seed=str(options.get("seed", "")),
        reward=_reward(_mapping(search.get("reward"))),
        search_evaluator=_mapping(search.get("about")),
        confirm_evaluator=_mapping(_mapping(config.get("confirm")).get("about")),
        sweep_evaluator=_mapping(sweep.get("about")),
        ablation_evaluator=_mapping(_mapping(config.get("ablate")).get("about")),
        parts_evaluator=_mapping(_mapping(config.get("parts")).get("about")),
        data=_data(config),
        stages=frozenset(_STAGES & config.keys()),
        asked={name: _mapping(_mapping(config.get(name)).get(ASKED)) for name in _STAGES},
    )


def _data(config: Mapping[str, Any]) -> Mapping[str, Any]:
    evaluators = [_mapping(_mapping(config.get(name)).get("evaluator")) for name in _STAGES]
    known = [_mapping(each["data"]) for each in evaluators if "data" in each]
    return known[0] if known and all(each == known[0] for each in known) else {}


def _reward(node: Mapping[str, Any]) -> TargetReward | None:
    cls = REWARDS.get(str(node.get("_target_")))
    if cls is None:
        return None
    try:
        return cls(**{name: float(value) for name, value in node.items() if name != "_target_"})
    except (TypeError, ValueError):
        return None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
