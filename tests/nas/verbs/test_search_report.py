"""What the terminal is told of each trial of a search."""

import pytest

from nas.runs.records import Record
from nas.searches.loop import SearchSettings
from nas.searches.time_budget import Timing
from nas.verbs.search_report import SearchReport
from search_spaces.zoo import zoo


def record(number: int, accuracy: float | None, reason: str = "") -> Record:
    return Record(
        number=number,
        state="failed" if accuracy is None else "finished",
        proposal=number,
        arch=zoo("efficientnet_b0"),
        key=f"{number}",
        compact="",
        choices={},
        macs=400_000_000,
        params=5_000_000,
        activations=6_000_000,
        cost=4e8,
        accuracy=accuracy,
        reward=accuracy,
        reason=reason,
    )


def test_why_a_trial_failed_is_told_when_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    report = SearchReport(SearchSettings(trials=2), Timing())
    records = [record(0, None, "learnt nothing: chance")]
    report(records, 0)
    assert "search 0/2 · 1 failed (trial 0: learnt nothing: chance)" in capsys.readouterr().err
    report([*records, record(1, 0.5)], 1)
    line = capsys.readouterr().err
    assert "1 failed" in line
    assert "learnt" not in line
