"""The commands that a page proposes: of the same data as the run, or none at all."""

import shlex

from nas.dashboard.frames import RunFrames
from nas.dashboard.html import Markup, element, phrase
from nas.dashboard.state import unfinished
from nas.defaults.conf import settings

DIGITS = "965a7d1ff60a88a3"
"""The digest of the one data set that is found wherever the project is: `data=digits`."""
_SPLITS = ("limit", "val_fraction", "folds", "test_fraction", "seed")
"""What of the data, beside their images, decides which of them are trained on."""


def made_by_search(frames: RunFrames) -> Markup:
    """What would make the search of a run that has none."""
    return _trained_by(frames, "search", f"run={_path(frames)}")


def made_by_sweep(frames: RunFrames) -> Markup:
    """What would make the sweep of a run that has none."""
    if _awaits_baseline(frames):
        return phrase("Not run yet: the search has not named a baseline.")
    return _trained_by(frames, "sweep", _baseline(frames))


def made_by_scale(frames: RunFrames) -> Markup:
    """What would make the family of a run that has none; no data are needed for that."""
    if _awaits_baseline(frames):
        return phrase("Not run yet: the search has not named a baseline.")
    formula = " coefficients=formula" if frames.constants else ""
    return _not_run(f"nas-search scale {_baseline(frames)}{formula}")


def data_options(frames: RunFrames) -> str | None:
    """The settings that give a command the run's data; None where they are not known.

    Records say what data are, never where they lie, and a name is no proof of what it names.
    """
    data = frames.settings.data
    if data.get("digest") != DIGITS:
        return None
    defaults = settings("data/digits")
    changed = [
        f"data.{name}={'null' if data[name] is None else data[name]}"
        for name in _SPLITS
        if name in data and data[name] != defaults[name]
    ]
    return " ".join(["data=digits", *changed])


def _trained_by(frames: RunFrames, verb: str, networks: str) -> Markup:
    options = data_options(frames)
    if options is not None:
        return _not_run(f"nas-search {verb} {networks} {options}")
    abouts = (frames.settings.search_evaluator, frames.settings.sweep_evaluator)
    name = next((str(about["dataset"]) for about in abouts if about.get("dataset")), None)
    if name is None:
        return phrase("Not run yet.")
    return phrase(f"Not run yet, and no command is proposed: records do not say where {name} lies.")


def _not_run(command: str) -> Markup:
    return phrase("Not run yet: ", element("code", command))


def _awaits_baseline(frames: RunFrames) -> bool:
    return frames.baseline is None and bool(unfinished(frames, "search"))


def _baseline(frames: RunFrames) -> str:
    smallest = "baseline.yaml" if frames.baseline or frames.family.empty else "family/b0.yaml"
    known = (frames.folder / smallest).exists()
    return f"baseline={_path(frames, smallest)}" if known else f"baseline=… run={_path(frames)}"


def _path(frames: RunFrames, *parts: str) -> str:
    return shlex.quote(str(frames.folder.joinpath(*parts)))
