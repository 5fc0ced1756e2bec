"""A sweep's answer as files: sweep.csv, a row a candidate, and constants.yaml, the winner."""

from pathlib import Path
from typing import Any

import yaml

from nas.runs.tables import write_rows
from scaling_search.judge.answer import Standing, SweepResult
from scaling_search.judge.trend import Direction
from search_spaces.compact import spell_arch
from search_spaces.files import write_text

COLUMNS = (
    "candidate",
    "alpha",
    "beta",
    "gamma",
    "points",
    "nominal_ratio",
    "realised_ratio",
    "depth",
    "width",
    "resolution",
    "macs",
    "params",
    "accuracy",
    "stderr",
    "seeds",
    "in_band",
    "tied",
    "winner",
    "key",
    "compact",
    "reason",
    "note",
)


def write_csv(path: Path, result: SweepResult) -> None:
    """A row for each candidate; accuracies are fractions, missing figures empty."""
    write_rows(path, COLUMNS, map(_row, result.standings))


def write_constants(path: Path, result: SweepResult) -> None:
    """The winner and its uncertainty as plain YAML, which `read_constants` reads back."""
    write_text(
        path, yaml.safe_dump(_constants(result), sort_keys=False, allow_unicode=True, width=100)
    )


def _row(standing: Standing) -> dict[str, Any]:
    candidate = standing.candidate
    return {
        "candidate": candidate.index,
        "alpha": candidate.constants.alpha,
        "beta": candidate.constants.beta,
        "gamma": candidate.constants.gamma,
        "points": len(candidate.points),
        "nominal_ratio": round(candidate.nominal_ratio, 6),
        "realised_ratio": round(candidate.realised_ratio, 6),
        "depth": round(candidate.multipliers.depth, 6),
        "width": round(candidate.multipliers.width, 6),
        "resolution": round(candidate.multipliers.resolution, 6),
        "macs": candidate.macs,
        "params": candidate.params,
        "accuracy": _rounded(standing.mean),
        "stderr": _rounded(standing.stderr),
        "seeds": len(standing.accuracies),
        "in_band": standing.in_band,
        "tied": standing.tied,
        "winner": standing.winner,
        "key": candidate.arch.key(),
        "compact": spell_arch(candidate.arch),
        "reason": standing.reason,
        "note": standing.note,
    }


def _constants(result: SweepResult) -> dict[str, Any]:
    winner, settings = result.winner, result.settings
    low, high = settings.cost_band()
    return {
        **_named(winner),
        "phi": settings.phi,
        "depth_rounding": settings.depth_rounding,
        "cost": settings.cost,
        "target_ratio": round(settings.target_ratio(), 6),
        "nominal_ratio": round(winner.candidate.nominal_ratio, 6),
        "realised_ratio": round(winner.candidate.realised_ratio, 6),
        "band": [round(low, 6), round(high, 6)],
        "accuracy": _rounded(winner.mean),
        "stderr": _rounded(winner.stderr),
        "seeds": len(winner.accuracies),
        "noise": _rounded(result.comparison.noise),
        "ties": [
            {
                **_named(tie),
                "realised_ratio": round(tie.candidate.realised_ratio, 6),
                "accuracy": _rounded(tie.mean),
                "stderr": _rounded(tie.stderr),
                "seeds": len(tie.accuracies),
            }
            for tie in sorted(result.ties, key=lambda tie: -(tie.mean or 0))
        ],
        "trainings_to_decide": result.comparison.more_trainings(),
        "candidates": len(result.standings),
        "failed_trainings": result.failed,
        "evaluator": dict(result.evaluator),
        "surface": None if result.direction is None else _surface(result.direction),
    }


def _surface(direction: Direction) -> dict[str, Any]:
    """What a smooth surface through all trainings predicts to be best."""
    found, low, high = direction.constants, direction.low, direction.high
    return {
        "alpha": found.alpha,
        "beta": found.beta,
        "gamma": found.gamma,
        "interval": {
            "alpha": [low.alpha, high.alpha],
            "beta": [low.beta, high.beta],
            "gamma": [low.gamma, high.gamma],
        },
        "accuracy": _rounded(direction.accuracy),
        "stderr": _rounded(direction.stderr),
        "extrapolates": direction.extrapolates,
    }


def _named(standing: Standing) -> dict[str, float]:
    constants = standing.candidate.constants
    return {"alpha": constants.alpha, "beta": constants.beta, "gamma": constants.gamma}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
