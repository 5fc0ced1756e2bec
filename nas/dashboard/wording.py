"""What a run was, in words: said in the header, in captions and in hover labels."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from nas.dashboard import theme
from nas.dashboard.frames import RunFrames
from nas.dashboard.html import Markup, element, phrase
from nas.searches.rewards import TargetReward

_HIDDEN = frozenset({"data digest"})
"""Facts that tell data apart for a machine: a reader is given them once, not in each caption."""
_ONE = {"classes": "class", "epochs": "epoch"}
_PHRASES = {
    "dataset": "{}",
    "training images": "{} training images",
    "images": "{} images",
    "validation images": "{} for validation",
    "classes": "{} classes",
    "largest image": "images up to {} px",
    "resolution": "{} px",
    "width": "width × {}",
    "depth": "depth × {}",
    "epochs": "{} epochs",
}


def proxy_words(evaluator: Mapping[str, Any], seeds: Iterable[float]) -> str:
    """What accuracies are of: `digits, 1437 images, 32 px, width × 0.25, 8 epochs, 2 seeds`.

    `seeds` are the numbers of them that what was measured was trained with. Empty where the
    configuration says nothing of the evaluator.
    """
    words = {
        key: value
        for key, value in evaluator.items()
        if isinstance(value, str | int | float)
        and not (key in ("width", "depth") and value == 1)
        and key not in _HIDDEN
    }
    ordered = [key for key in _PHRASES if key in words] + [k for k in words if k not in _PHRASES]
    parts = [_spelt(key, words[key]) for key in ordered]
    return ", ".join([*parts, *_seeds(seeds)]) if parts else ""


def _spelt(key: str, value: str | int | float) -> str:
    """A fact in words: `1 epoch`, `4 epochs`, `3 folds`."""
    said = _PHRASES.get(key, f"{key} {{}}").format(value)
    if value != 1:
        return said
    return said.replace("images", "image").replace(key, _ONE.get(key, key))


def search_words(frames: RunFrames) -> str:
    """What the accuracies of the trials are of."""
    return proxy_words(frames.settings.search_evaluator, frames.finished["seeds"])


def sweep_words(frames: RunFrames) -> str:
    """What the accuracies of the sweep are of."""
    measured = frames.sweep[frames.sweep["accuracy"].notna()]
    return proxy_words(frames.settings.sweep_evaluator, measured["seeds"])


def ablation_words(frames: RunFrames) -> str:
    """What the accuracies of the ablation are of."""
    measured = frames.ablation[frames.ablation["accuracy"].notna()]
    return proxy_words(frames.settings.ablation_evaluator, measured["seeds"])


def parts_words(frames: RunFrames) -> str:
    """What the accuracies of parts that were taken apart are of."""
    counts = [len(arm.accuracies) for arm in frames.parts.arms if arm.accuracies]
    return proxy_words(frames.settings.parts_evaluator, counts)


def reward_words(reward: TargetReward | None, unit: str = "MACs") -> Markup | None:
    """The objective: accuracy · (MACs / 400M) to the power of −0.07; None where it is unknown."""
    if reward is None:
        return None
    base, _, power = reward.formula(unit, theme.count(reward.target)).partition("^")
    return phrase(base, element("sup", power)) if power else phrase(base)


def trial_hovers(frames: RunFrames, trials: pd.DataFrame) -> list[str]:
    """The hover label of each trial: what it is, costs and reached, and its file."""
    proxy = theme.escaped(search_words(frames))
    return [_trial_hover(trial, proxy) for trial in trials.to_dict("records")]


def _trial_hover(trial: dict[Any, Any], proxy: str) -> str:
    title = f"trial {trial['number']:.0f}"
    if trial["baseline"]:
        title += " · baseline"
    if trial["tie"]:
        title += " · within the noise of the baseline"
    if trial["front"]:
        title += " · on the front"
    lines = []
    if pd.notna(trial["accuracy"]):
        accuracy = theme.percent_pm(trial["accuracy"], trial["accuracy_stderr"])
        lines.append(f"proxy accuracy {accuracy}")
    if pd.notna(trial["confirmed"]):
        alone = theme.percent_pm(trial["confirmed"], trial["confirmed_stderr"])
        expected = theme.percent_pm(trial["expected"], trial["expected_stderr"])
        said = f"; {expected} expected" if pd.notna(trial["expected"]) else ""
        lines.append(f"trained alone {alone}{said}")
    if proxy:
        lines.append(f"<i>{proxy}</i>")
    lines.append(f"{theme.count(trial['macs'], 4)} MACs, {theme.count(trial['params'], 4)} params")
    if pd.notna(trial["reward"]):
        lines.append(f"reward {trial['reward']:.4f}")
    if trial["reason"]:
        lines.append(f"failed: {theme.escaped(trial['reason'])}")
    if trial["note"]:
        lines.append(theme.escaped(trial["note"]))
    if trial["file"]:
        lines.append(f"file {theme.escaped(trial['file'])}")
    return theme.hover(title, [*lines, *spelling_lines(trial["compact"])])


def spelling_lines(compact: str, width: int = 64) -> list[str]:
    """The one-line spelling of a network, broken at its blanks for a hover label."""
    lines: list[str] = []
    for word in compact.split():
        if lines and len(lines[-1]) + len(word) < width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return [theme.escaped(line) for line in lines]


def plural(number: int, noun: str) -> str:
    """A number of things: `1 trial`, `2 trials`."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def proxy_sentence(words: str) -> str:
    """What a caption ends with, given what accuracies are of; empty where nothing says."""
    return f" Proxy accuracy: {words}." if words else ""


def _seeds(seeds: Iterable[float]) -> list[str]:
    counts = sorted({int(count) for count in seeds if not math.isnan(count)})
    if not counts:
        return []
    span = str(counts[0]) if len(counts) == 1 else f"{counts[0]}–{counts[-1]}"
    return [f"{span} seed" if counts == [1] else f"{span} seeds"]
