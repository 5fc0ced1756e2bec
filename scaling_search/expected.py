"""What a family is expected to reach, by the trainings that its run folder holds."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nas.defaults.conf import default
from nas.trainings.log import ABLATION, SWEEP, TrainingLog
from scaling_search.grow.grid_points import GridSettings
from scaling_search.grow.grown import Grown
from scaling_search.judge.directions import make_directions
from scaling_search.judge.forecast import (
    FamilyForecast,
    MemberForecast,
    forecast_family,
)
from scaling_search.rule.compound import PAPER

TOLERANCE = float(default("sweep/model", "tolerance_points")) / 100
"""A unit of φ that is expected to bring less, a fraction, does not pay."""


def forecast_in(run: Path, members: Sequence[Grown]) -> FamilyForecast | None:
    """The forecast by the run folder's sweep and ablation; None where these say too little."""
    logs = [TrainingLog(run / name) for name in (SWEEP, ABLATION)]
    records = [record for log in logs for record in log.read()]
    directions = make_directions(members[0].multipliers.rule, PAPER.product(), GridSettings().max)
    constants = next((each.constants for each in members if each.constants), PAPER)
    return forecast_family(members, records, directions, constants=constants, tolerance=TOLERANCE)


def as_mapping(forecast: MemberForecast) -> dict[str, Any]:
    """A member's forecast as files say it; accuracies are fractions."""
    return {
        "accuracy": round(forecast.accuracy, 6),
        "interval": [round(forecast.low, 6), round(forecast.high, 6)],
        "gain": None if forecast.gain is None else round(forecast.gain, 6),
        "extrapolates": forecast.extrapolates,
    }
