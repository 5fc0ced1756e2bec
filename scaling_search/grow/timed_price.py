"""The price of a grid's networks by how long they take on a device, relative to the baseline."""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from scaling_search.grow.grid import GridPrice, make_grid
from scaling_search.grow.grid_points import GridSettings
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.files import read_text, write_text
from search_spaces.yaml_text import load_yaml

Timer = Callable[[Sequence[Arch]], Sequence[float]]
"""Seconds that each network takes, timed side by side."""

_SIDE_BY_SIDE = 24
"""Networks timed in one session, beside the baseline."""
_WORTH_TIMING = 0.5
"""Under a realised constraint, networks whose MACs miss the target by more than this fraction are
not timed: their latency is not expected to meet it."""


def timed_price(baseline: Arch, settings: GridSettings, path: Path, timer: Timer) -> GridPrice:
    """Latency over the baseline's, as the price of `make_grid`; infinite where it is not timed.

    What was timed is kept at `path`: another call times what is missing alone, so that a sweep
    goes on with the candidates it began with. Every session times the baseline too, and counts
    relative to it. Raises UserError where the file is damaged or of another baseline.
    """
    known = _read(path, baseline)
    grid = make_grid(baseline, worth_timing(settings))
    wanted = {each.arch.key(): each.arch for each in grid.candidates}
    missing = [arch for key, arch in wanted.items() if key not in known]
    for start in range(0, len(missing), _SIDE_BY_SIDE):
        session = missing[start : start + _SIDE_BY_SIDE]
        unit, *seconds = timer([baseline, *session])
        known |= {a.key(): round(s / unit, 6) for a, s in zip(session, seconds, strict=True)}
        _write(path, baseline, known)
    known[baseline.key()] = 1.0
    return lambda arch: known.get(arch.key(), math.inf)


def worth_timing(settings: GridSettings) -> GridSettings:
    """The settings of a grid by MACs that has all networks whose latency may meet these."""
    if settings.constraint == "realised":
        return dataclasses.replace(settings, within=max(_WORTH_TIMING, settings.within))
    return settings


def _read(path: Path, baseline: Arch) -> dict[str, float]:
    if not path.exists():
        return {}
    data: Any = load_yaml(read_text(path), str(path))
    if not isinstance(data, Mapping) or not isinstance(data.get("relative"), Mapping):
        raise UserError(f"{path}: expected a mapping with baseline and relative")
    if data.get("baseline") != baseline.key():
        raise UserError(f"{path}: was timed for another baseline")
    known = dict(data["relative"])
    if not all(isinstance(r, int | float) and 0 < r < math.inf for r in known.values()):
        raise UserError(f"{path}: relative: expected numbers above 0")
    return known


def _write(path: Path, baseline: Arch, known: Mapping[str, float]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump({"baseline": baseline.key(), "relative": dict(known)}, sort_keys=False)
    write_text(path, text)
