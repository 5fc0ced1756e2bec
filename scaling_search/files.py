"""What a sweep found, as files: sweep.csv, a row a candidate, and constants.yaml, the winner."""

from pathlib import Path
from typing import Any

import yaml

from nas.runs.csv_files import write_rows
from scaling_search.judge.trend import Direction
from scaling_search.judge.winner import CandidateResult, SweepResult
from scaling_search.rule.rule import Rule
from search_spaces.compact import spell_arch
from search_spaces.files import write_text


def columns(rule: Rule) -> tuple[str, ...]:
    """The columns of `sweep.csv`."""
    return (
        "candidate",
        *rule.constant_names,
        *("points", "nominal_ratio", "realised_ratio"),
        *rule.names,
        *("macs", "params", "accuracy", "stderr", "seeds", "in_band", "tied", "winner"),
        *("key", "compact", "reason", "note"),
    )


def write_csv(path: Path, result: SweepResult) -> None:
    """A row for each candidate; accuracies are fractions, missing figures empty."""
    write_rows(path, columns(result.grid.rule), map(_row, result.candidates))


def write_constants(path: Path, result: SweepResult) -> None:
    """The winner and its uncertainty as plain YAML, which `read_constants` reads back."""
    write_text(
        path, yaml.safe_dump(_constants(result), sort_keys=False, allow_unicode=True, width=100)
    )


def _row(result: CandidateResult) -> dict[str, Any]:
    candidate = result.candidate
    return {
        "candidate": candidate.index,
        **candidate.constants.named(),
        "points": len(candidate.points),
        **candidate.asked(),
        **candidate.costs(),
        "accuracy": _rounded(result.mean),
        "stderr": _rounded(result.stderr),
        "seeds": len(result.accuracies),
        "in_band": result.in_band,
        "tied": result.tied,
        "winner": result.winner,
        "key": candidate.arch.key(),
        "compact": spell_arch(candidate.arch),
        "reason": result.reason,
        "note": result.note,
    }


def _constants(result: SweepResult) -> dict[str, Any]:
    winner, settings = result.winner, result.settings
    low, high = settings.cost_band()
    return {
        **winner.candidate.constants.named(),
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
                **tie.candidate.constants.named(),
                "realised_ratio": round(tie.candidate.realised_ratio, 6),
                "accuracy": _rounded(tie.mean),
                "stderr": _rounded(tie.stderr),
                "seeds": len(tie.accuracies),
            }
            for tie in sorted(result.ties, key=lambda tie: -(tie.mean or 0))
        ],
        "trainings_to_decide": result.comparison.more_trainings(),
        "candidates": len(result.candidates),
        "failed_trainings": result.failed,
        "evaluator": dict(result.evaluator),
        "surface": None if result.direction is None else _surface(result.direction),
    }


def _surface(direction: Direction) -> dict[str, Any]:
    """What a smooth surface through all trainings predicts to be best."""
    found, low, high = direction.constants, direction.low, direction.high
    return {
        **found.named(),
        "interval": {name: [low[name], high[name]] for name in found.rule.constant_names},
        "accuracy": _rounded(direction.accuracy),
        "stderr": _rounded(direction.stderr),
        "extrapolates": direction.extrapolates,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
