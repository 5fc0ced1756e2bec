"""What a family is expected to reach, by the trainings that its run folder holds."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nas.defaults.conf import default
from nas.runs.folder import RunFolder
from nas.trainings.log import ABLATION, SWEEP, TrainingLog
from nas.trainings.record import TrainingRecord
from scaling_search.grow.grid_points import GridSettings
from scaling_search.grow.grown import Grown
from scaling_search.judge.counted import validation_images
from scaling_search.judge.directions import Directions, make_directions
from scaling_search.judge.forecast import (
    FEWEST,
    FamilyForecast,
    MemberForecast,
    forecast_family,
)
from scaling_search.judge.observations import observe
from scaling_search.rule.compound import PAPER

TOLERANCE = float(default("sweep/model", "tolerance_points")) / 100
"""A unit of φ that is expected to bring less, a fraction, does not pay."""


def forecast_in(run: Path, members: Sequence[Grown]) -> FamilyForecast | None:
    """The forecast by the run folder's sweep and ablation; None where these say too little."""
    constants = next((each.constants for each in members if each.constants), PAPER)
    return forecast_family(
        members,
        _records(run),
        _directions(members),
        constants=constants,
        tolerance=TOLERANCE,
        images=_images(run),
    )


def why_none(run: Path, members: Sequence[Grown]) -> str:
    """Why the run folder's sweep and ablation forecast nothing, in a line."""
    seen = observe(_records(run), members[0].baseline, _directions(members))
    if seen.at_chance:
        return "nothing can be forecast: no training can be told from chance"
    return (
        f"nothing can be forecast: {len(seen.places)} networks grown from "
        f"{members[0].baseline.name} were trained, it takes {FEWEST}"
    )


def _records(run: Path) -> list[TrainingRecord]:
    logs = [TrainingLog(run / name) for name in (SWEEP, ABLATION)]
    return [record for log in logs for record in log.read()]


def _directions(members: Sequence[Grown]) -> Directions:
    return make_directions(members[0].multipliers.rule, PAPER.product(), GridSettings().max)


def _images(run: Path) -> int | None:
    """Those that accuracies were counted on, as far as config.yaml says."""
    folder = RunFolder(run)
    abouts = [folder.made_with(stage).get("about") for stage in ("sweep", "ablate")]
    found = [validation_images(about) for about in abouts if isinstance(about, Mapping)]
    return next(iter(found), None)


def as_mapping(forecast: MemberForecast) -> dict[str, Any]:
    """A member's forecast as files say it; accuracies are fractions."""
    return {
        "accuracy": round(forecast.accuracy, 6),
        "interval": [round(forecast.low, 6), round(forecast.high, 6)],
        "gain": None if forecast.gain is None else round(forecast.gain, 6),
        "extrapolates": forecast.extrapolates,
    }
