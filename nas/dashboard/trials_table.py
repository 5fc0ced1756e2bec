"""The trials of a search as a table: what the search named, the front, and then the others."""

import pandas as pd

from nas.dashboard import theme
from nas.dashboard.frames import RunFrames
from nas.dashboard.html import Markup, table

MOST_ROWS = 200
"""Trials that the table shows: thousands would make a page slow, and trials.csv has all."""


def trials_table(frames: RunFrames) -> Markup:
    """A row a trial: the baseline, its ties, the front, the others by reward, those that failed."""
    finished = frames.finished.sort_values(
        ["baseline", "tie", "front", "reward", "accuracy", "number"],
        ascending=[False, False, False, False, False, True],
        kind="stable",
    )
    ordered = pd.concat([finished, frames.failed])
    shown = ordered.head(MOST_ROWS)
    rows = [
        [
            _standing(row),
            theme.number(row["number"], 0),
            theme.percent_pm(row["accuracy"], row["accuracy_stderr"], 2).removesuffix(" %"),
            theme.number(row["reward"], 4),
            theme.count(row["macs"], 4),
            theme.count(row["params"], 4),
        ]
        for row in shown.to_dict("records")
    ]
    cut = len(ordered) > MOST_ROWS
    return table(
        ["standing", "trial", "proxy accuracy (%)", "reward", "MACs", "params"],
        rows,
        caption=f"The first {MOST_ROWS} of {len(ordered)}; trials.csv has all." if cut else "",
        marked=[index for index, named in enumerate(shown["baseline"]) if named],
        name="Proxy accuracy against MACs",
    )


def _standing(row: "dict[object, object]") -> str:
    for flag, words in (
        ("baseline", "baseline"),
        ("tie", "tied with it"),
        ("front", "on the front"),
    ):
        if row[flag]:
            return words
    return f"failed: {row['reason']}" if row["state"] == "failed" else "other"
