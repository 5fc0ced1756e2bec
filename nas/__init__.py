"""What a network costs, how good it is, and the search for the one that is worth it.

The names in `__all__` are the public API; whatever else a module holds may move. Each is imported
when it is first asked for, so that `import nas` brings no framework.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nas.evaluators.base import EvaluationFailed, Evaluator, Measurement
    from nas.networks.cost import Cost, cost
    from nas.networks.feature_network import FeatureNetwork
    from nas.networks.inherit import inherit
    from nas.networks.model import Network, build
    from nas.networks.tested import Accuracy, Tested
    from nas.networks.trained import Card, load_trained, save_trained
    from nas.networks.weights import load_weights, save_weights
    from nas.samplers.base import SamplerFactory
    from nas.searches.loop import Search, SearchSettings
    from nas.searches.rewards import Reward
    from search_spaces.arch import Arch
    from search_spaces.ends import Head, Stem
    from search_spaces.errors import UserError
    from search_spaces.scaling import scale
    from search_spaces.space import Space, load_space
    from search_spaces.stage import Stage
    from search_spaces.yaml_io import load_arch, write_arch
    from search_spaces.zoo import zoo

    __version__: str

__all__ = [
    "Accuracy",
    "Arch",
    "Card",
    "Cost",
    "EvaluationFailed",
    "Evaluator",
    "FeatureNetwork",
    "Head",
    "Measurement",
    "Network",
    "Reward",
    "SamplerFactory",
    "Search",
    "SearchSettings",
    "Space",
    "Stage",
    "Stem",
    "Tested",
    "UserError",
    "__version__",
    "build",
    "cost",
    "inherit",
    "load_arch",
    "load_space",
    "load_trained",
    "load_weights",
    "save_trained",
    "save_weights",
    "scale",
    "write_arch",
    "zoo",
]

_MODULES = {
    "Accuracy": "nas.networks.tested",
    "Arch": "search_spaces.arch",
    "Card": "nas.networks.trained",
    "Cost": "nas.networks.cost",
    "EvaluationFailed": "nas.evaluators.base",
    "Evaluator": "nas.evaluators.base",
    "FeatureNetwork": "nas.networks.feature_network",
    "Head": "search_spaces.ends",
    "Measurement": "nas.evaluators.base",
    "Network": "nas.networks.model",
    "Reward": "nas.searches.rewards",
    "SamplerFactory": "nas.samplers.base",
    "Search": "nas.searches.loop",
    "SearchSettings": "nas.searches.loop",
    "Space": "search_spaces.space",
    "Stage": "search_spaces.stage",
    "Stem": "search_spaces.ends",
    "Tested": "nas.networks.tested",
    "UserError": "search_spaces.errors",
    "build": "nas.networks.model",
    "cost": "nas.networks.cost",
    "inherit": "nas.networks.inherit",
    "load_arch": "search_spaces.yaml_io",
    "load_space": "search_spaces.space",
    "load_trained": "nas.networks.trained",
    "load_weights": "nas.networks.weights",
    "save_trained": "nas.networks.trained",
    "save_weights": "nas.networks.weights",
    "scale": "search_spaces.scaling",
    "write_arch": "search_spaces.yaml_io",
    "zoo": "search_spaces.zoo",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib import metadata  # slower to import than all else here

        return metadata.version("nas-search")
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
