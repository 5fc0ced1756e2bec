"""What a network costs, how good it is, and the search for the one that is worth it.

The functions do what the verbs of `nas-search` do: `search`, `sweep`, `scale`, `train` and others.

The names in `__all__` are the public API; whatever else a module holds may move. Each is imported
when it is first asked for, so that `import nas` brings no framework.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nas.api.ablate import ablate
    from nas.api.export import export
    from nas.api.inference import evaluate, predict
    from nas.api.proxy_check import proxy_check
    from nas.api.scale import Family, scale
    from nas.api.search import SearchResult, search
    from nas.api.sweep import SweepResult, sweep
    from nas.api.train import TrainedNetwork, train
    from nas.evaluators.base import EvaluationFailed, Evaluator, Measurement
    from nas.networks.cost import Cost, cost
    from nas.networks.feature_network import FeatureNetwork
    from nas.networks.inherit import inherit
    from nas.networks.model import Network, build
    from nas.networks.tested import Accuracy, Tested
    from nas.networks.trained import Card, load_trained, save_trained
    from nas.networks.weights import load_weights, save_weights
    from nas.runs.records import Record
    from nas.samplers.base import SamplerFactory
    from nas.searches.loop import Search, SearchSettings
    from nas.searches.rewards import Reward
    from nas.training.evaluation import Evaluation
    from nas.training.outcomes import Report
    from nas.training.predictions import Prediction
    from nas.verbs.compose import Option
    from scaling_search.rule.rule import Constants
    from search_spaces.arch import Arch
    from search_spaces.ends import Head, Stem
    from search_spaces.errors import CommandFailed, UserError
    from search_spaces.scaling import scale as grow
    from search_spaces.space import Space, load_space
    from search_spaces.stage import Stage
    from search_spaces.yaml_io import load_arch, write_arch
    from search_spaces.zoo import zoo

    __version__: str

__all__ = [
    "Accuracy",
    "Arch",
    "Card",
    "CommandFailed",
    "Constants",
    "Cost",
    "Evaluation",
    "EvaluationFailed",
    "Evaluator",
    "Family",
    "FeatureNetwork",
    "Head",
    "Measurement",
    "Network",
    "Option",
    "Prediction",
    "Record",
    "Report",
    "Reward",
    "SamplerFactory",
    "Search",
    "SearchResult",
    "SearchSettings",
    "Space",
    "Stage",
    "Stem",
    "SweepResult",
    "Tested",
    "TrainedNetwork",
    "UserError",
    "__version__",
    "ablate",
    "build",
    "cost",
    "evaluate",
    "export",
    "grow",
    "inherit",
    "load_arch",
    "load_space",
    "load_trained",
    "load_weights",
    "predict",
    "proxy_check",
    "save_trained",
    "save_weights",
    "scale",
    "search",
    "sweep",
    "train",
    "write_arch",
    "zoo",
]

_MODULES = {
    "Accuracy": "nas.networks.tested",
    "Arch": "search_spaces.arch",
    "Card": "nas.networks.trained",
    "CommandFailed": "search_spaces.errors",
    "Constants": "scaling_search.rule.rule",
    "Cost": "nas.networks.cost",
    "Evaluation": "nas.training.evaluation",
    "EvaluationFailed": "nas.evaluators.base",
    "Evaluator": "nas.evaluators.base",
    "Family": "nas.api.scale",
    "FeatureNetwork": "nas.networks.feature_network",
    "Head": "search_spaces.ends",
    "Measurement": "nas.evaluators.base",
    "Network": "nas.networks.model",
    "Option": "nas.verbs.compose",
    "Prediction": "nas.training.predictions",
    "Record": "nas.runs.records",
    "Report": "nas.training.outcomes",
    "Reward": "nas.searches.rewards",
    "SamplerFactory": "nas.samplers.base",
    "Search": "nas.searches.loop",
    "SearchResult": "nas.api.search",
    "SearchSettings": "nas.searches.loop",
    "Space": "search_spaces.space",
    "Stage": "search_spaces.stage",
    "Stem": "search_spaces.ends",
    "SweepResult": "nas.api.sweep",
    "Tested": "nas.networks.tested",
    "TrainedNetwork": "nas.api.train",
    "UserError": "search_spaces.errors",
    "ablate": "nas.api.ablate",
    "build": "nas.networks.model",
    "cost": "nas.networks.cost",
    "evaluate": "nas.api.inference",
    "export": "nas.api.export",
    "grow": "search_spaces.scaling",
    "inherit": "nas.networks.inherit",
    "load_arch": "search_spaces.yaml_io",
    "load_space": "search_spaces.space",
    "load_trained": "nas.networks.trained",
    "load_weights": "nas.networks.weights",
    "predict": "nas.api.inference",
    "proxy_check": "nas.api.proxy_check",
    "save_trained": "nas.networks.trained",
    "save_weights": "nas.networks.weights",
    "scale": "nas.api.scale",
    "search": "nas.api.search",
    "sweep": "nas.api.sweep",
    "train": "nas.api.train",
    "write_arch": "search_spaces.yaml_io",
    "zoo": "search_spaces.zoo",
}
_OWN_NAMES = {"grow": "scale"}
"""What a module calls a thing whose public name is another's there."""


if not TYPE_CHECKING:  # a name that is misspelt is a mistake to a type checker

    def __getattr__(name: str) -> Any:
        if name == "__version__":
            from importlib import metadata  # slower to import than all else here

            return metadata.version("nas-search")
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(_MODULES[name]), _OWN_NAMES.get(name, name))


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
