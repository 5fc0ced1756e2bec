"""What a run was, in words: said in the header, in captions and in hover labels."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from nas.dashboard import theme
from nas.dashboard.frames import RunFrames

_UNITS = {
    "dataset": "{}",
    "images": "{} images",
    "resolution": "{} px",
    "width": "width × {}",
    "depth": "depth × {}",
    "epochs": "{} epochs",
}


def proxy_words(frames: RunFrames) -> str:
    """What the accuracies are of: `digits, 1437 images, 32 px, width × 0.25, 8 epochs, 2 seeds`."""
    words = dict(frames.evaluator)
    seeds = words.pop("seeds", None) or _seeds(frames)
    parts = [_phrase(key, words.pop(key)) for key in _UNITS if key in words]
    parts += [_phrase(key, value) for key, value in words.items() if _is_scalar(value)]
    if seeds:
        parts.append(f"{seeds} seed" + ("" if str(seeds) == "1" else "s"))
    return ", ".join(parts)


def reward_words(settings: Mapping[str, Any]) -> str:
    """The objective: `accuracy · (MACs / 400M)^−0.07`."""
    target = settings.get("target")
    unit = {"macs": "MACs", "params": "params"}.get(str(settings.get("cost", "macs")), "cost")
    ratio = f"{unit} / {theme.count(target) if _is_number(target) else 'T'}"
    match settings.get("kind"):
        case "soft":
            return f"accuracy · ({ratio})^{_signed(settings.get('exponent', -0.07))}"
        case "hard":
            power = _signed(settings.get("exponent", -1.0))
            return f"accuracy · max(1, {ratio})^{power}"
        case "absolute":
            return f"accuracy {_signed(settings.get('beta', -0.07), ' ')} · |{ratio} − 1|"
        case "front":
            return f"a front: accuracy up, {unit} down"
    return ""


def trial_hovers(frames: RunFrames, trials: pd.DataFrame) -> list[str]:
    """The hover label of each trial: what it is, costs and reached, and its file."""
    proxy = theme.escaped(proxy_words(frames))
    return [_trial_hover(trial, proxy) for trial in trials.to_dict("records")]


def _trial_hover(trial: dict[Any, Any], proxy: str) -> str:
    title = f"trial {trial['number']:.0f}"
    if trial["baseline"]:
        title += " · baseline"
    if trial["front"]:
        title += " · on the front"
    lines = []
    if pd.notna(trial["accuracy"]):
        accuracy = theme.percent_pm(trial["accuracy"], trial["accuracy_stderr"])
        lines.append(f"proxy accuracy {accuracy}")
    if proxy:
        lines.append(f"<i>{proxy}</i>")
    lines.append(f"{theme.count(trial['macs'], 4)} MACs, {theme.count(trial['params'], 4)} params")
    if pd.notna(trial["reward"]):
        lines.append(f"reward {trial['reward']:.4f}")
    if trial["reason"]:
        lines.append(f"failed: {theme.escaped(trial['reason'])}")
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


def _seeds(frames: RunFrames) -> str:
    seeds = sorted({int(n) for n in frames.finished["seeds"].dropna()})
    if not seeds:
        return ""
    return str(seeds[0]) if seeds[0] == seeds[-1] else f"{seeds[0]}–{seeds[-1]}"


def _phrase(key: str, value: object) -> str:
    return _UNITS.get(key, f"{key} {{}}").format(value)


def _is_scalar(value: object) -> bool:
    return isinstance(value, str | int | float)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _signed(value: object, gap: str = "") -> str:
    if not _is_number(value):
        return str(value)
    size = f"{abs(float(value)):g}"  # type: ignore[arg-type]
    return f"−{gap}{size}" if float(value) < 0 else f"{'+' + gap if gap else ''}{size}"  # type: ignore[arg-type]
