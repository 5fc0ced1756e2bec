"""A report of what the data hold, for people to read before anything is trained on them."""

from collections.abc import Sequence

import numpy as np

from nas.data.images import ImageSummary
from nas.data.names import counted, shown
from nas.data.sources import Split, Splits
from nas.statistics.intervals import share_error

_LISTED = 10
"""The most classes that are named one by one; of more, the first few and the last are."""
_FEW = 500
"""Validation images below which cross-validation is worth its trainings"""
_REMEDY = (
    "data.folds=5 with five seeds (search.seeds=5, sweep=grid sweep.seeds=5, or seeds=5 of an "
    "ablation) validates on all that are searched with"
)
_UNEQUAL = 10
"""Classes are called unequal where one has this many times the images of another."""


def data_report(splits: Splits, summary: ImageSummary, folds: int = 1) -> str:
    """A line with images, classes, sizes and splits, then a line for each remarkable thing."""
    parts = {"train": splits.train, "validation": splits.val, "test": splits.test}
    held = len(splits.val)
    sizes = ", ".join(f"{name} {len(part):,}" for name, part in parts.items())
    if folds > 1:
        searched = len(splits.train) + held
        held = searched // folds
        sizes = f"{folds} folds of {held:,} of {searched:,}, test {len(splits.test):,}"
    error = 100 * share_error(0.5, max(1, held))
    whose = "a fold's" if folds > 1 else "validation's"
    few = held < _FEW and "val" not in splits.own and folds == 1
    remedy = f"; {_REMEDY}" if few else ""
    error_line = f"{whose} standard error up to {error:.1f} points{remedy}"
    missing = [*_missing("validation", splits.val, splits), *_missing("test", splits.test, splits)]
    return _report(splits, summary, f"{sizes}; {error_line}", list(parts.values()), missing)


def training_report(
    splits: Splits, train: Split, minival: Split | None, test: Split, summary: ImageSummary
) -> str:
    """The same of the splits of a whole training, which holds out a minival of its own."""
    parts = {"train": train, **({} if minival is None else {"minival": minival}), "test": test}
    sizes = ", ".join(f"{name} {len(part):,}" for name, part in parts.items())
    missing = [
        line for name in parts if name != "train" for line in _missing(name, parts[name], splits)
    ]
    return _report(splits, summary, sizes, list(parts.values()), missing)


def _report(
    splits: Splits,
    summary: ImageSummary,
    sizes: str,
    parts: Sequence[Split],
    missing: Sequence[str],
) -> str:
    labels = np.concatenate([part.labels for part in parts])
    counts = np.bincount(labels, minlength=len(splits.classes))
    total, own = len(labels), sum(map(len, splits.own.values()))
    of = f"{total:,} of " if total < own else ""
    pixels = f", {_range(summary)} px" if summary.images else ""
    line = (
        f"{of}{counted(max(total, own), 'image')} of {len(splits.classes):,} classes "
        f"({_classes(splits, counts)}){pixels}; {sizes}"
    )
    remarks = [*_imbalance(splits, counts), *missing, *splits.notes, *_pictures(summary)]
    return "\n".join(f"data: {each}" for each in (line, *remarks))


def _range(summary: ImageSummary) -> str:
    least, most = summary.smallest, summary.largest
    return f"{least:,}" if least == most else f"{least:,}–{most:,}"


def _classes(splits: Splits, counts: np.ndarray) -> str:
    named = [f"{shown(name)} {n:,}" for name, n in zip(splits.classes, counts, strict=True)]
    if len(named) <= _LISTED:
        return ", ".join(named)
    return f"{', '.join(named[:3])}, …, {named[-1]}"


def _imbalance(splits: Splits, counts: np.ndarray) -> list[str]:
    most, least = int(counts.argmax()), int(counts.argmin())
    if counts[most] < _UNEQUAL * counts[least]:
        return []
    return [
        f"classes are unequal: {counts[most]:,} images of {shown(splits.classes[most])} for "
        f"{counts[least]:,} of {shown(splits.classes[least])}; accuracy counts images, not classes"
    ]


def _missing(name: str, part: Split, splits: Splits) -> list[str]:
    absent = _absent(part, splits)
    return [f"{name} has no images of {absent}"] if absent else []


def _absent(part: Split, splits: Splits) -> str:
    counts = np.bincount(part.labels, minlength=len(splits.classes))
    names = [shown(splits.classes[i]) for i in np.flatnonzero(counts == 0)]
    more = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _pictures(summary: ImageSummary) -> list[str]:
    remarks = []
    if summary.transparent:
        remarks.append(f"{counted(summary.transparent, 'image')} with transparency, put on white")
    if summary.deep:
        remarks.append(
            f"{counted(summary.deep, 'image')} of 16 bits, brought to 8 by 1/257; the brightest "
            f"pixel is {summary.brightest:,} of 65,535"
        )
    if summary.animated:
        remarks.append(f"{counted(summary.animated, 'image')} of several frames, the first is read")
    if summary.astray:
        remarks.append(
            f"{counted(summary.astray, 'image')} of unreadable orientation, taken as they lie"
        )
    return remarks
