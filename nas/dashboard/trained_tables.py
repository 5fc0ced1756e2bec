"""Tables of networks trained whole: their worth, their learning curves, what they confuse."""

import pandas as pd

from nas.dashboard import theme
from nas.dashboard.frames import RunFrames
from nas.dashboard.html import Markup, table
from nas.dashboard.trained import interval
from nas.dashboard.trained_files import Confusion
from nas.statistics.metrics import METRICS

MOST_PAIRS = 50
"""The most pairs of confused classes in a table."""


def trained_table(frames: RunFrames) -> Markup:
    """The trained networks: what they cost, the epoch that was kept, what they are worth."""
    header = [
        "network", "folder", "px", "params", "MACs", "epochs", "best epoch", "minival (%)",
        "judged by", "test (%) [95 %]", "top-1 (%)", "test images",
    ]  # fmt: skip
    cells = [
        [
            row["name"],
            row["folder"],
            theme.whole(row["pixels"]),
            theme.whole(row["params"]),
            theme.whole(row["macs"]),
            theme.whole(row["epochs"]),
            theme.whole(row["best_epoch"]),
            theme.percent(row["minival"], 2).removesuffix(" %"),
            METRICS[row["metric"]],
            "–" if pd.isna(row["test"]) else interval(row, "test").replace(" %", ""),
            theme.percent(row["top1"], 2).removesuffix(" %"),
            theme.whole(row["test_images"]),
        ]
        for row in frames.trained.networks.to_dict("records")
    ]
    return table(header, cells, words=2, name="The trained networks")


def curves_table(frames: RunFrames) -> Markup:
    """A row an epoch, a column each network's minival and training accuracy in percent."""
    header, columns = ["epoch"], []
    for name, curve in frames.trained.curves.items():
        by_epoch = curve.set_index("epoch")
        for field, title in (("minival", "minival"), ("train_accuracy", "training")):
            if by_epoch[field].notna().any():
                header.append(f"{name}, {title} (%)")
                columns.append(by_epoch[field][~by_epoch.index.duplicated(keep="last")])
    epochs = sorted({epoch for column in columns for epoch in column.index})
    rows = [
        [
            theme.whole(epoch),
            *(theme.percent(column.get(epoch), 2).removesuffix(" %") for column in columns),
        ]
        for epoch in epochs
    ]
    return table(header, rows, words=0, name="Learning curves")


def confusion_table(shown: Confusion) -> Markup:
    """The pairs of classes that were confused most often, and each one's share of its class."""
    pairs = sorted(
        (
            (count, true, taken)
            for true, row in enumerate(shown.counts)
            for taken, count in enumerate(row)
            if count and true != taken
        ),
        key=lambda pair: (-pair[0], pair[1], pair[2]),
    )
    rows = [
        [
            shown.classes[true],
            shown.classes[taken],
            theme.whole(count),
            f"{100 * count / sum(shown.counts[true]):.1f}",
        ]
        for count, true, taken in pairs[:MOST_PAIRS]
    ]
    cut = f"The first {MOST_PAIRS} of {len(pairs)} pairs." if len(pairs) > MOST_PAIRS else ""
    header = ["class", "taken for", "images", "of the class (%)"]
    return table(header, rows, words=2, caption=cut, name=f"What {shown.name} takes classes for")
