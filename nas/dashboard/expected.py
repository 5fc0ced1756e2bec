"""How accurate the network that a search names is expected to be, never how lucky it was."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from nas.dashboard.frames import RunFrames
from nas.prediction.features import Encoding
from nas.prediction.gaussian_process import Prior, condition, fit
from nas.statistics.intervals import share_error
from search_spaces.choices import Choice

_LEAST = 8
"""Finished trials below which a measurement is more to be trusted than a model of them."""
_MOST = 400
"""The most trials that the model is made of: the latest ones, and the baseline."""
_LEAST_NOISE, _MOST_NOISE = 1e-3, 10.0
"""The noise of measurements, as a share of how far they lie apart, that a model is told of."""
_NOISE_SPREAD = 0.1
"""How little a model may doubt that noise, in logarithms: it is known, not guessed."""
_LEAST_MERIT = 0.05
"""The least share of how far measurements lie apart that is taken to be the networks' merit."""
_SMALLEST_ERROR = 1e-3


@dataclass(frozen=True, slots=True)
class Best:
    """The trial that stands for the search, and what is expected of it."""

    name: str
    """`Baseline`, or what it is while there is none."""
    accuracy: float
    """A fraction."""
    stderr: float
    """NaN where nothing tells it."""
    how: str
    """What the estimate is made of, in words."""
    macs: float
    params: float
    reward: float
    """The reward that the estimate gives; NaN without a reward."""
    ties: int
    """Other trials within the noise of it."""


def best_trial(frames: RunFrames) -> Best | None:
    """The baseline, or what would be it so far; None where there is neither."""
    finished, expected = frames.finished, _expected(frames)
    named = finished[finished["baseline"]].head(1)
    name = "Baseline"
    if named.empty:
        if frames.settings.is_front or not finished["reward"].notna().any():
            return None
        name = "Best measured so far" if expected is None else "Best expected so far"
        named = finished.loc[[_best(frames, expected)]]
    trial = named.iloc[0].to_dict()
    accuracy, stderr, how = _estimate(
        frames, trial, None if expected is None else expected.loc[named.index[0]]
    )
    return Best(
        name=name,
        accuracy=accuracy,
        stderr=stderr,
        how=how,
        macs=trial["macs"],
        params=trial["params"],
        reward=_reward(frames, trial, accuracy),
        ties=int(finished["tie"].sum()) if name == "Baseline" else 0,
    )


def _best(frames: RunFrames, expected: pd.DataFrame | None) -> Any:
    """The index of the trial of the best expected reward, or of the best measured one."""
    finished = frames.finished
    if expected is None:
        return finished["reward"].idxmax()
    rewards = [
        _reward(frames, row, accuracy)
        for row, accuracy in zip(finished.to_dict("records"), expected["accuracy"], strict=True)
    ]
    return pd.Series(rewards, index=finished.index).idxmax()


def _estimate(
    frames: RunFrames, trial: dict[Any, Any], expected: pd.Series | None
) -> tuple[float, float, str]:
    """The accuracy expected of a trial, its standard error, and what they are made of."""
    if pd.notna(trial["expected"]):
        return trial["expected"], trial["expected_stderr"], "estimate from all trainings alone"
    if expected is not None:
        count = len(frames.finished)
        said = f"estimate from {count} trials"
        return float(expected["accuracy"]), float(expected["stderr"]), said
    error = _measured_error(frames, trial)
    return trial["accuracy"], error, "" if math.isfinite(error) else "error unknown"


def _measured_error(frames: RunFrames, trial: dict[Any, Any]) -> float:
    """The standard error of a measurement: over seeds, or as a share of the validation images."""
    if pd.notna(trial["accuracy_stderr"]):
        return float(trial["accuracy_stderr"])
    images = frames.settings.search_evaluator.get("validation images")
    if not isinstance(images, int) or images < 1:
        return math.nan
    return share_error(trial["accuracy"], images)


def _expected(frames: RunFrames) -> pd.DataFrame | None:
    """What a model of all trials expects of each finished one: `accuracy`, `stderr`.

    The model is told how noisy measurements are, so that it takes of a high one for luck what
    similar networks do not bear out. None for few trials, and for accuracies without noise.
    """
    finished = frames.finished
    errors = [_measured_error(frames, row) for row in finished.to_dict("records")]
    if len(finished) < _LEAST or not frames.choices or not np.isfinite(errors).all():
        return None
    features = _features(finished[frames.choices])
    costs = np.log(np.maximum(finished[["macs", "params"]].to_numpy(float), 1.0))
    if not np.isfinite(costs).all():
        return None
    missed = np.log(np.maximum(1 - finished["accuracy"].to_numpy(float), _SMALLEST_ERROR))
    noise = np.mean((np.array(errors) / np.exp(missed)) ** 2) / (missed.var() or 1.0)
    noise = float(np.clip(noise, _LEAST_NOISE, _MOST_NOISE))
    prior = Prior(noise=(noise, _NOISE_SPREAD), variance=(max(1 - noise, _LEAST_MERIT), 1.0))
    kept = finished["baseline"].to_numpy(bool) | (np.arange(len(finished))[::-1] < _MOST)
    seen = features[kept], costs[kept], missed[kept]
    mean, deviation = condition(fit(*seen, prior), *seen).predict(features, costs)
    expected = {"accuracy": 1 - np.exp(mean), "stderr": deviation * np.exp(mean)}
    return pd.DataFrame(expected, index=finished.index)


def _features(chosen: pd.DataFrame) -> Any:
    """Numbers for the options of (n,) trials; numbers as such, all else as indicators."""
    choices, columns = [], []
    for name in chosen.columns:
        numbers = pd.to_numeric(chosen[name], errors="coerce")
        column = numbers if numbers.notna().all() else chosen[name].astype(str)
        options = tuple(sorted(set(column.tolist())))
        choices.append(Choice(name, options, ordered=bool(numbers.notna().all())))
        columns.append(column)
    encoding = Encoding(choices)
    names = list(chosen.columns)
    params = (dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True))
    return encoding.features(encoding.rows(params))


def _reward(frames: RunFrames, trial: dict[Any, Any], accuracy: float) -> float:
    """The reward of an accuracy that is expected of a trial."""
    reward = frames.settings.reward
    if pd.isna(trial["reward"]):
        return math.nan
    if reward is None:
        return float(trial["reward"])
    return float(reward(accuracy, trial["macs"] if pd.isna(trial["cost"]) else trial["cost"]))
