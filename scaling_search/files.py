"""What a sweep found, as files: sweep.csv, a row a candidate, and constants.yaml, what is named."""

from pathlib import Path
from typing import Any

import yaml

from nas.runs.csv_files import write_rows
from scaling_search.judge.estimate import Estimate
from scaling_search.judge.turning import Turn
from scaling_search.judge.winner import CandidateResult, Findings
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


def write_csv(path: Path, result: Findings) -> None:
    """A row for each candidate; accuracies are fractions, missing figures empty."""
    write_rows(path, columns(result.grid.rule), map(_row, result.candidates))


def write_constants(path: Path, result: Findings) -> None:
    """What is named and its uncertainty as plain YAML, which `read_constants` reads back."""
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


def _constants(result: Findings) -> dict[str, Any]:
    winner, settings = result.winner, result.settings
    low, high = settings.cost_band()
    return {
        **result.constants.named(),
        "baseline": {"name": result.grid.baseline.name, "key": result.grid.baseline.key()},
        "verdict": result.estimate.verdict,
        "phi": settings.phi,
        "depth_rounding": settings.depth_rounding,
        "cost": settings.cost,
        "strategy": settings.strategy,
        "target_ratio": round(settings.target_ratio(), 6),
        "band": [round(low, 6), round(high, 6)],
        "estimate": _estimated(result.estimate, settings.max),
        "best": _standing(winner),
        "ties": [_standing(tie) for tie in sorted(result.ties, key=lambda tie: -(tie.mean or 0))],
        "noise": _rounded(result.comparison.noise),
        "trainings_to_decide": result.more_trainings,
        "turn_with_cost": _said(result.turn_with_cost),
        "turn_with_epochs": _said(result.turn_with_epochs),
        "candidates": len(result.candidates),
        "failed_trainings": result.failed,
        "evaluator": dict(result.evaluator),
    }


def _standing(result: CandidateResult) -> dict[str, Any]:
    """A candidate, and how accurate it is expected to be."""
    return {
        "key": result.candidate.arch.key(),
        **result.candidate.constants.named(),
        "nominal_ratio": round(result.candidate.nominal_ratio, 6),
        "realised_ratio": round(result.candidate.realised_ratio, 6),
        "accuracy": _rounded(result.mean),
        "stderr": _rounded(result.stderr),
        "seeds": len(result.accuracies),
    }


def _estimated(estimate: Estimate, largest: float) -> dict[str, Any] | None:
    """What all trainings in the folder speak for, with 95 % intervals; None where for nothing."""
    if estimate.at_chance:
        return None
    names = estimate.constants.rule.constant_names
    return {
        **estimate.constants.named(),
        "interval": {name: [estimate.low[name], estimate.high[name]] for name in names},
        "exponents": {name: list(each) for name, each in estimate.exponents.items()},
        "known": estimate.known.named(),
        "weight": _rounded(estimate.weight),
        "gain": _rounded(estimate.gain),
        "gain_stderr": _rounded(estimate.gain_error),
        "trainings": estimate.trainings,
        "largest": largest,
    }


def _said(turn: Turn | None) -> str | None:
    return None if turn is None else turn.verdict


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
