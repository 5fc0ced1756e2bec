import pytest

from nas.verbs.progress import Pace


def test_the_pace_leaves_out_what_was_before_the_first_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = iter([100.0, 102.0, 106.0])
    monkeypatch.setattr("nas.verbs.progress.time.monotonic", lambda: next(clock))
    pace = Pace()
    assert pace.step(9) is None, "workers may have taken a minute to start"
    assert pace.step(8) == 16
    assert pace.step(7) == 21
