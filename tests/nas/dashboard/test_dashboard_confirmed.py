"""Networks of a search that were trained alone, told apart on its page."""

from pathlib import Path

import pytest

from nas.cli import main
from nas.dashboard.confirmed import confirmed_trials
from nas.dashboard.frames import load_run
from nas.dashboard.state import so_far
from nas.dashboard.wording import trial_hovers
from nas.dashboard.write import write_dashboard
from nas.trainings.log import CONFIRMATION
from scaling_search.rule.compound import COMPOUND
from search_spaces.errors import UserError
from search_spaces.files import read_text


@pytest.fixture
def run(tmp_path: Path) -> Path:
    toys = ("evaluator=custom", "evaluator._target_=biased.Biased", "sampler=random")
    asked = (f"run={tmp_path}", "search.trials=10", "search.workers=1", "search.confirm=4")
    main(["search", *asked, *toys])
    return tmp_path


def test_the_confirmed_stand_in_a_table_with_the_baseline_first(run: Path) -> None:
    frames = load_run(run, COMPOUND)
    rows = confirmed_trials(frames)
    assert len(rows) == frames.confirming == 4
    assert rows["baseline"].tolist() == [True, False, False, False]
    assert rows["standing"].iloc[0] == "baseline"
    assert rows["expected"].notna().all()
    assert so_far(frames, "confirm") == ""
    hovers = trial_hovers(frames, frames.finished)
    assert sum("trained alone" in hover for hover in hovers) == 4
    main(["dashboard", str(run)])
    page = read_text(run / "dashboard.html", 64 * 2**20)
    assert "The best networks, trained alone" in page
    assert "trained alone too" in page


def test_a_table_alone_shows_what_the_records_do(run: Path) -> None:
    before = confirmed_trials(load_run(run, COMPOUND))
    (run / "study.db").unlink()
    (run / CONFIRMATION).unlink()
    after = confirmed_trials(load_run(run, COMPOUND))
    columns = ["number", "confirmed", "expected", "expected_stderr", "standing"]
    assert after[columns].equals(before[columns])


def test_while_they_are_trained_those_so_far_are_told(run: Path) -> None:
    (run / "baseline.yaml").unlink()
    log = run / CONFIRMATION
    log.write_text("".join(read_text(log).splitlines(keepends=True)[:2]), "utf-8")
    frames = load_run(run, COMPOUND)
    assert so_far(frames, "confirm") == "2 of 4 networks"
    assert len(confirmed_trials(frames)) == 2
    assert confirmed_trials(frames)["expected"].isna().all()
    write_dashboard(run, COMPOUND)


def test_a_baseline_that_says_nonsense_of_them_is_told_on_a_line(run: Path) -> None:
    file = run / "baseline.yaml"
    file.write_text(read_text(file).replace("expected_stderr", "sure"), "utf-8")
    with pytest.raises(UserError, match=r"baseline\.yaml: confirmed\.\d+: unknown field 'sure'"):
        load_run(run, COMPOUND)
