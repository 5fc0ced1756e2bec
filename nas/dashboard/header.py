"""The page's first words: the headline, what was run, and the baseline stage by stage."""

import math
from collections.abc import Mapping

from nas.dashboard import theme
from nas.dashboard.estimate import spelt
from nas.dashboard.expected import best_trial
from nas.dashboard.frames import RunFrames
from nas.dashboard.html import SOFT, Markup, table
from nas.dashboard.named import Estimate, estimate
from nas.dashboard.trials import macs_reward
from nas.dashboard.wording import plural, reward_words, search_words, sweep_words
from search_spaces.arch import Arch


def headline(frames: RunFrames) -> dict[str, str]:
    """The few figures that one looks for first, by name; unknown ones are left out."""
    facts: dict[str, str] = {}
    if (best := best_trial(frames)) is not None:
        of = ", ".join(filter(None, [f"{best.name}, proxy accuracy", best.how]))
        facts[of] = theme.percent_pm(best.accuracy, best.stderr).replace(" ", "\u00a0")
        facts[f"{best.name}, MACs"] = theme.count(best.macs)
        facts[f"{best.name}, params"] = theme.count(best.params)
        if math.isfinite(best.reward):
            facts[f"{best.name}, reward"] = theme.number(best.reward, 4)
    facts |= _constants(frames)
    trained = frames.trained.networks
    for row in trained[trained["test"].notna()].tail(1).to_dict("records"):
        low, high = (f"{100 * row[name]:.1f}" for name in ("test_low", "test_high"))
        named = f"{row['name'].upper()}, test accuracy, 95 % {low}–{high}"
        facts[named] = theme.percent(row["test"])
    for network in frames.family.tail(1).to_dict("records") if len(frames.family) > 1 else []:
        macs, params = theme.count(network["macs"]), theme.count(network["params"])
        facts[f"{network['name']}, MACs / params"] = f"{macs} / {params}"
    return facts


def _constants(frames: RunFrames) -> dict[str, str]:
    """The estimate of each constant with its interval, and what is named where that differs."""
    facts: dict[str, str] = {}
    found = estimate(frames.constants, frames.rule)
    for each in found.constants if found else ():
        said = f"95 % interval of {each.symbol}; published {each.known:g}"
        facts[said] = spelt(each)
    named = [frames.constants.get(name) for name in frames.rule.constant_names]
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in named):
        return facts
    if found is None or named != [each.value for each in found.constants]:
        facts[_how_named(frames, found)] = ", ".join(f"{value:g}" for value in named)
    return facts


def _how_named(frames: RunFrames, found: Estimate | None) -> str:
    """What the constants are, of a model, or of a candidate and how many are as good."""
    symbols = frames.rule.symbols
    best, names = frames.constants.get("best"), frames.rule.constant_names
    of_best = isinstance(best, Mapping) and all(
        best.get(name) == frames.constants.get(name) for name in names
    )
    if found and found.weight is not None and not of_best:
        return f"Named {symbols}, {100 * found.weight:.0f} % of the way from the published to these"
    # A flat grid, a race and a snapped answer name a candidate, ties or not.
    ties = int(frames.sweep["tied"].sum())
    tied = f", tied with {plural(ties, 'other')}" if ties else ""
    of_candidate = "Named, the best candidate's " if found else ""
    return f"{of_candidate}{symbols}{tied}"


def run_facts(frames: RunFrames) -> dict[str, str | Markup]:
    """What was run, by name; what is unknown is empty."""
    settings = frames.settings
    failed = f", {len(frames.failed)} failed" if len(frames.failed) else ""
    asked = settings.trials_asked
    finished = len(frames.finished)
    of = f" of {asked}" if asked is not None and finished < asked else ""
    unit = "MACs" if macs_reward(frames) else "cost"
    facts: dict[str, str | Markup] = {
        "Proxy accuracy": search_words(frames) or sweep_words(frames),
        "Data digest": str(settings.data.get("digest", "")),
        "Space": settings.space,
        "Objective": reward_words(settings.reward, unit) or "",
        "Sampler": settings.sampler,
        "Trials": f"{finished}{of} finished{failed}" if len(frames.trials) else "",
        "Trained alone": _confirmed(frames),
        "Seed": settings.seed,
        "Sweep": _swept(frames),
    }
    return facts


def _confirmed(frames: RunFrames) -> str:
    """How many networks of the search were trained alone; empty for none."""
    confirmed = int(frames.finished["confirmed"].notna().sum())
    return plural(confirmed, "network") if confirmed else ""


def _swept(frames: RunFrames) -> str:
    """How many networks the sweep measured, and at which φ; empty for none."""
    measured, points = frames.sweep["accuracy"].notna().sum(), frames.sweep["points"]
    if not measured:
        return ""
    stood_for = "" if points.isna().any() else f" for {plural(int(points.sum()), 'grid point')}"
    phi = (frames.settings.asked.get("sweep") or frames.constants).get("phi")
    at = f" at φ = {phi:g}" if isinstance(phi, int | float) else ""
    return f"{plural(int(measured), 'network')} measured{stood_for}{at}"


def baseline_table(baseline: Arch) -> Markup:
    """The stages of the winner."""
    header = [
        "stage", "op", f"ker{SOFT}nel", "stride", f"ex{SOFT}pand", "SE", f"chan{SOFT}nels",
        f"lay{SOFT}ers",
    ]  # fmt: skip
    rows = [
        [
            str(index),
            stage.op,
            f"{stage.kernel}×{stage.kernel}",
            str(stage.stride),
            f"{stage.expand:g}",
            f"{stage.se:g}",
            str(stage.channels),
            str(stage.repeats),
        ]
        for index, stage in enumerate(baseline.stages)
    ]
    return table(header, rows, words=2, name="The baseline, stage by stage")
