"""Optuna's samplers, over choices spelt the way that suits each."""

import copy
import importlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.samplers import BaseGASampler, BaseSampler
from optuna.storages import InMemoryStorage
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from nas.samplers.base import Problem, distributions
from search_spaces.errors import UserError

if TYPE_CHECKING:
    from search_spaces.choices import Choice

Spelling = Literal["study", "ordered", "integers", "categories"]


@dataclass(frozen=True, kw_only=True)
class OptunaSampler:
    """Any sampler of Optuna's, or of a package in its style, by its import path."""

    sampler: str
    """Such as `optuna.samplers.TPESampler`."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of its constructor; `seed` is added."""
    spelling: Spelling = "study"
    """How the sampler sees the choices. `study`: as they are stored; `ordered`: ordered choices as
    the integers 0, 1, 2 …, the others as categories; `integers` and `categories`: all as one or the
    other."""

    def make(self, problem: Problem, seed: int) -> BaseSampler:
        """The sampler. Raises UserError where there is none, or it does not take the options."""
        inner = _construct(self.sampler, {**self.options, "seed": seed})
        if self.spelling == "study":
            return _Forgetful(inner) if isinstance(inner, BaseGASampler) else inner
        return _Respelt(inner, problem, self.spelling)


def _construct(path: str, options: Mapping[str, Any]) -> BaseSampler:
    module, _, name = path.rpartition(".")
    try:
        kind = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise UserError(f"sampler.sampler: {path}: {error}") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            made = kind(**options)
    except (TypeError, ValueError) as error:
        raise UserError(f"sampler.options: {path}: {error}") from None
    if not isinstance(made, BaseSampler):
        raise UserError(f"sampler.sampler: expected an Optuna sampler, got {path}")
    return made


class _Wrapped(BaseSampler):
    """A sampler that passes every call on to `inner`; subclasses change some."""

    def __init__(self, inner: BaseSampler) -> None:
        self._inner = inner

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return self._inner.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return self._inner.sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        return self._inner.sample_independent(study, trial, param_name, param_distribution)

    def reseed_rng(self) -> None:
        self._inner.reseed_rng()


class _Forgetful(_Wrapped):
    """A sampler that has `inner` choose the parents of each child anew.

    Optuna keeps a generation's parents in the study's attributes. A search that goes on has its
    trials alone, and would choose other parents than one that was never interrupted.
    """

    _inner: BaseGASampler

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        parents = self._inner._get_parent_cache_key_prefix()
        for name in study._storage.get_study_system_attrs(study._study_id):
            if name.startswith(parents):
                study._storage.set_study_system_attr(study._study_id, name, None)
        return super().sample_relative(study, trial, search_space)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        self._inner.before_trial(study, trial)

    def after_trial(
        self,
        study: Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        self._inner.after_trial(study, trial, state, values)


class _Respelt(_Wrapped):
    """A sampler that shows `inner` a copy of the study, with every option replaced by its position.

    Parameters that are none of the problem's choices are passed on as they are.
    """

    def __init__(self, inner: BaseSampler, problem: Problem, spelling: Spelling) -> None:
        super().__init__(inner)
        choices = problem.choices
        self._stored = distributions(choices)
        self._options = {choice.name: choice.options for choice in choices}
        self._positions = {
            choice.name: {option: index for index, option in enumerate(choice.options)}
            for choice in choices
        }
        self._spelt = {
            choice.name: _positions(len(choice.options), _is_number(choice, spelling))
            for choice in choices
        }
        memo = problem.memo.setdefault(f"{type(self).__qualname__}.{spelling}", {})
        self._known: dict[int, tuple[FrozenTrial, FrozenTrial]] = memo
        """Finished trials by number, as they are and respelt: they do not change any more."""

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return dict(self._stored)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        storage = _Mirror()
        mirror = optuna.create_study(
            directions=study.directions, sampler=self._inner, storage=storage
        )
        for past in study._get_trials(deepcopy=False):
            if past.number != trial.number:
                storage.create_new_trial(mirror._study_id, self._mirrored(past))
        asked = mirror.ask(self._spelt)
        return {name: self._options[name][asked.params[name]] for name in search_space}

    def _mirrored(self, trial: FrozenTrial) -> FrozenTrial:
        known, respelt = self._known.get(trial.number, (None, None))
        if respelt is None or known is not trial:
            respelt = self._spell(trial)
            if trial.state.is_finished():
                self._known[trial.number] = trial, respelt
        return respelt

    def _spell(self, trial: FrozenTrial) -> FrozenTrial:
        whole = trial.params.keys() >= self._spelt.keys()
        state = trial.state if whole else TrialState.FAIL
        return optuna.trial.create_trial(
            state=state,
            values=trial.values if state == TrialState.COMPLETE else None,
            params={name: self._positions[name][trial.params[name]] for name in self._spelt}
            if whole
            else {},
            distributions=self._spelt if whole else {},
        )


class _Mirror(InMemoryStorage):
    """A storage that takes trials unchecked: Optuna's checks and deep copies took longer than most
    samplers do."""

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        trial_id = super().create_new_trial(study_id)
        if template_trial is not None:
            trial = copy.copy(template_trial)
            trial.number, trial._trial_id = self.get_trial_number_from_id(trial_id), trial_id
            self._set_trial(trial_id, trial)
            self._update_cache(trial_id, study_id)
        return trial_id


def _is_number(choice: "Choice", spelling: Spelling) -> bool:
    return spelling == "integers" or (spelling == "ordered" and choice.ordered)


def _positions(count: int, number: bool) -> BaseDistribution:
    if number:
        return IntDistribution(0, count - 1)
    return CategoricalDistribution(range(count))
