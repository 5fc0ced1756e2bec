"""The networks of a search that were trained alone, told apart from those that were not."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from nas.dashboard import theme
from nas.dashboard.frames import RunFrames
from nas.dashboard.html import Markup, table

STANDINGS = {"baseline": "baseline", "tie": "tied with it"}


def confirmed_trials(frames: RunFrames) -> pd.DataFrame:
    """A row a trial that was trained alone: the baseline, its ties, and the others by the reward
    that is expected of them; with `value`, that reward, and `standing`."""
    trials = frames.finished[frames.finished["confirmed"].notna()]
    reward = frames.settings.reward
    believed = trials["expected"].fillna(trials["confirmed"])
    pairs = zip(believed, trials["cost"].fillna(trials["macs"]), strict=True)
    rewards = [float("nan") if reward is None else reward(*pair) for pair in pairs]
    standing = [_standing(row) for row in trials.to_dict("records")]
    trials = trials.assign(value=rewards, standing=standing)
    return trials.sort_values(
        ["baseline", "tie", "value"], ascending=False, kind="stable", ignore_index=True
    )


def _standing(trial: Mapping[Any, Any]) -> str:
    return next((words for flag, words in STANDINGS.items() if trial[flag]), "")


def confirmed_table(frames: RunFrames) -> Markup:
    """What each network reached in the search and alone, and what is expected of it."""
    rows = confirmed_trials(frames)
    header = [
        "standing", "trial", "MACs", "params", "in the search (%)", "trained alone (%)",
        "expected (%)", "reward",
    ]  # fmt: skip
    cells = [
        [
            row["standing"],
            theme.number(row["number"], 0),
            theme.count(row["macs"]),
            theme.count(row["params"]),
            _percent(row["accuracy"], row["accuracy_stderr"]),
            _percent(row["confirmed"], row["confirmed_stderr"]),
            _percent(row["expected"], row["expected_stderr"]),
            theme.number(row["value"], 4),
        ]
        for row in rows.to_dict("records")
    ]
    return table(
        header,
        cells,
        name="The best networks, trained alone",
        marked=[i for i, w in enumerate(rows["baseline"]) if w],
    )


def _percent(accuracy: float, stderr: float) -> str:
    return theme.percent_pm(accuracy, stderr, 2).removesuffix(" %")
