"""`proxy_check` as a function: how well a proxy ranks networks."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas.api.given import (
    Costs,
    Data,
    Evaluators,
    Recipes,
    Rewards,
    Spaces,
    data_option,
    settings_of,
    space_option,
)
from nas.api.heard import heard
from nas.defaults.conf import default, default_option

if TYPE_CHECKING:
    from nas.verbs.proxy_check import ProxyCheck


def proxy_check(
    data: Data = default_option("proxy_check", "data"),
    *,
    run: str | Path | None = None,
    space: Spaces = default_option("proxy_check", "space"),
    evaluator: Evaluators = default_option("proxy_check", "evaluator"),
    recipe: Recipes = default_option("proxy_check", "recipe"),
    proxies: Mapping[str, Mapping[str, Any]] | None = default("proxy_check", "proxies"),
    truth: "Evaluators | None" = None,
    cost: Costs = default_option("proxy_check", "cost"),
    reward: Rewards = default_option("proxy_check", "reward"),
    networks: int = default("proxy_check", "networks"),
    seeds: int = default("proxy_check", "seeds"),
    seed: int = default("proxy_check", "seed"),
    executor: str = default_option("proxy_check", "executor"),
    ray: Mapping[str, Any] | None = None,
    workers: int | None = default("proxy_check", "workers"),
    latency_table: str | Path | None = default("proxy_check", "latency_table"),
    progress: bool = False,
) -> "ProxyCheck":
    """How well each of `proxies` ranks networks of a space, beside their MACs alone.

    `proxies` has settings of the evaluator that differ, by a name; None for the evaluator as it
    is. What ranks the networks truly is `truth`, or else the proxy that takes longest. All else is
    as in `search`.
    """
    config = settings_of(
        "proxy-check",
        {
            "data": data_option(data),
            "space": space_option(space),
            "evaluator": evaluator,
            "truth": truth,
            "recipe": recipe,
            "cost": cost,
            "reward": reward,
            "executor": executor,
            "ray": {} if ray is None else ray,
        },
        {
            "run": run,
            "proxies": proxies,
            "networks": networks,
            "seeds": seeds,
            "seed": seed,
            "workers": workers,
            "latency_table": latency_table,
        },
    )
    from nas.verbs.proxy_check import proxy_check as check_in  # brings Optuna and SciPy

    with heard(progress):
        return check_in(config)
