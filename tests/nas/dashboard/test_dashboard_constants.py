"""What the page says of the scaling constants: the estimate, not a lucky candidate."""

from pathlib import Path
from typing import Any

import pytest
import yaml

import run_folder
from devtools import probed
from nas.cli import main
from nas.dashboard.candidates import candidates_figure
from nas.dashboard.estimate import estimate_figure
from nas.dashboard.frames import RunFrames, load_run
from nas.dashboard.header import headline
from nas.dashboard.named import estimate
from nas.dashboard.panels import sweep_section
from nas.dashboard.scaling_panels import estimate_caption, sweep_caption
from nas.dashboard.state import run_state
from nas.dashboard.sweep import Sweep, sweep, sweep_figure
from nas.dashboard.verdict import run_verdict
from nas.dashboard.write import write_dashboard
from scaling_search.rule.compound import COMPOUND
from search_spaces.zoo import zoo

B0 = zoo("efficientnet_b0")
BASELINE: dict[str, Any] = {"phi": 0.0, "realised_ratio": 1.0}


def loaded(folder: Path) -> RunFrames:
    return load_run(folder, COMPOUND)


def standings(shown: Sweep) -> dict[str, str]:
    return dict(zip(shown.candidates["key"], shown.candidates["standing"], strict=True))


def swept(folder: Path, **constants: Any) -> list[str]:
    """A finished sweep by a model that names the second network, and the keys of its networks."""
    keys = run_folder.write_sweep_log(folder, 4, seeds=2)
    ties = [
        {"key": keys[0], "accuracy": 0.898, "stderr": 0.002, "seeds": 2},
        {"key": "f" * 16, "accuracy": 0.897, "stderr": 0.003, "seeds": 0},
    ]
    best = {"key": keys[1], "accuracy": 0.9004, "stderr": 0.0015, "seeds": 2}
    named = {"strategy": "model", "best": best, "ties": ties, "phi": 1.0, **constants}
    run_folder.write_constants(folder, **named)
    return keys


def test_a_model_names_the_winner_not_the_highest_mean(tmp_path: Path) -> None:
    keys = swept(tmp_path)
    shown = sweep(loaded(tmp_path))
    assert standings(shown) == {
        keys[1]: "winner",
        keys[0]: "tied with the winner",
        keys[3]: "behind",
        keys[2]: "behind",
    }
    assert shown.candidates["accuracy"].idxmax() != 0


def test_what_is_drawn_is_measured_and_what_is_expected_is_said(tmp_path: Path) -> None:
    swept(tmp_path)
    winner, tie, behind, _ = sweep(loaded(tmp_path)).candidates.to_dict("records")
    assert winner["accuracy"] == pytest.approx(0.91, abs=0.002)
    assert "expected from all trainings 90.04 ± 0.15 %" in winner["hover"].split("<br>")
    assert "expected from all trainings 89.80 ± 0.20 %" in tie["hover"]
    assert "expected" not in behind["hover"]


def test_networks_that_were_not_trained_are_told_not_drawn(tmp_path: Path) -> None:
    swept(tmp_path)
    frames = loaded(tmp_path)
    assert "f" * 16 not in frames.sweep["key"].tolist()
    assert "1 tie was not trained and was not drawn." in sweep_caption(sweep(frames))


def test_the_sweep_of_a_race_in_the_same_folder_is_judged_by_its_records(tmp_path: Path) -> None:
    keys = swept(tmp_path)
    run_folder.write_asked(tmp_path, "sweep", phi=1.0, networks=keys, strategy="race")
    assert standings(sweep(loaded(tmp_path)))[keys[3]] == "winner"
    assert "every network is measured, no winner is named" in run_state(loaded(tmp_path))


def test_a_model_under_way_has_no_winner_and_counts_its_trainings(tmp_path: Path) -> None:
    keys = run_folder.write_sweep_log(tmp_path, 4)
    log = run_folder.TrainingLog(tmp_path / "sweep.jsonl")
    for seed in range(2):
        log.append(run_folder.training(B0, seed, 0.85, BASELINE))
    asked = {"phi": 1.0, "strategy": "model", "beside": [B0.key()], "networks": [*keys, "f" * 16]}
    run_folder.write_asked(tmp_path, "sweep", most=20, **asked)
    frames = loaded(tmp_path)
    assert run_state(frames) == "Not finished: the sweep, 6 of at most 20 trainings."
    assert set(standings(sweep(frames)).values()) == {"trained, nothing named yet"}
    assert set(standings(sweep(frames))) == set(keys)
    assert "No winner is named yet" in sweep_caption(sweep(frames))
    # Trainings of an earlier race are on record too, and may be more than a model asks for.
    run_folder.write_asked(tmp_path, "sweep", most=5, **asked)
    assert run_state(loaded(tmp_path)) == (
        "Not finished: the sweep, 6 trainings, no constants are named."
    )
    run_folder.write_constants(tmp_path, strategy="model")
    assert run_state(loaded(tmp_path)) == ""


def test_a_finished_sweep_is_shown_as_its_files_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    toy = ["evaluator=custom", "evaluator._target_=toy.Toy", "+evaluator.noise=0.02"]
    main(["sweep", *toy, "baseline=efficientnet_b0", "run=run", "sweep.step=0.2", "workers=1"])
    run = Path("run")
    found = yaml.safe_load((run / "constants.yaml").read_text())
    frames = loaded(run)
    assert run_state(frames) == ""
    assert 0 < frames.sweep_trainings <= (frames.settings.trainings_asked or 0)
    best = frames.sweep[frames.sweep["winner"]]
    assert best["key"].tolist() == [found["best"]["key"]]
    trained = {each["key"] for each in found["ties"] if each["seeds"]}
    assert set(frames.sweep[frames.sweep["tied"]]["key"]) == trained
    (run / "sweep.jsonl").unlink()
    table = loaded(run)
    assert set(table.sweep["key"]) == set(frames.sweep["key"])
    assert table.sweep[table.sweep["winner"]]["key"].tolist() == best["key"].tolist()
    caption = sweep_caption(sweep(table))
    assert caption.startswith("Accuracies are those that a model expects from all trainings.")
    assert "expected from all trainings" in sweep(table).candidates["hover"][0]
    assert "proxy accuracy" not in sweep(table).candidates["hover"][0]


@pytest.mark.parametrize(
    ("strategy", "words", "silent"),
    [
        ("model", "a model expects to be the best", "would decide"),
        ("race", "trained more often than the others", "a model"),
        ("grid", "Filled circles cannot be told from the winner", "a model"),
    ],
)
def test_the_caption_says_how_the_winner_was_found(
    tmp_path: Path, strategy: str, words: str, silent: str
) -> None:
    swept(tmp_path, strategy=strategy, trainings_to_decide=7)
    caption = sweep_caption(sweep(loaded(tmp_path)))
    assert words in caption
    assert silent not in caption


@pytest.mark.parametrize(
    ("cost", "title"),
    [("macs", "MACs"), ("params", "parameters"), ("latency", "latency"), (None, "MACs")],
)
def test_ratios_are_of_the_cost_that_the_sweep_held_equal(
    tmp_path: Path, cost: str | None, title: str
) -> None:
    swept(tmp_path, cost=cost)
    frames = loaded(tmp_path)
    assert sweep_figure(frames).layout.xaxis.title.text == f"{title} over the baseline's, as built"
    assert candidates_figure(frames).layout.xaxis4.title.text == f"{title} over the baseline's"


def test_the_page_begins_with_the_estimate_and_its_intervals(tmp_path: Path) -> None:
    swept(tmp_path)
    assert headline(loaded(tmp_path)) == {
        "95 % interval of α; published 1.2": "α\u00a01.18 [1.00,\u00a01.40]",
        "95 % interval of β; published 1.1": "β\u00a01.12 [1.02,\u00a01.25]",
        "95 % interval of γ; published 1.15": "γ\u00a01.14 [1.00,\u00a01.31]",
    }


def test_a_candidate_that_is_named_stands_after_the_estimate(tmp_path: Path) -> None:
    swept(tmp_path, alpha=1.05, beta=1.1, gamma=1.15)
    facts = headline(loaded(tmp_path))
    assert list(facts.values())[-1] == "1.05, 1.1, 1.15"
    assert list(facts)[-1] == "Named, the best candidate's α, β, γ, tied with 1 other"


def test_constants_on_their_way_to_the_estimate_say_how_far_they_are(tmp_path: Path) -> None:
    estimate = {**run_folder.ESTIMATE, "weight": 0.302}
    swept(tmp_path, alpha=1.195, beta=1.105, gamma=1.145, estimate=estimate)
    facts = headline(loaded(tmp_path))
    said = "Named α, β, γ, 30 % of the way from the published to these"
    assert facts[said] == "1.195, 1.105, 1.145"


def test_the_whole_verdict_stands_in_the_section_and_one_sentence_at_the_head(
    tmp_path: Path,
) -> None:
    swept(tmp_path, verdict="Nothing <b>more</b> is known.", turn_with_cost="It does not turn.")
    text = write_dashboard(tmp_path, COMPOUND).read_text("utf-8")
    said = '<p class="verdict">Nothing &lt;b&gt;more&lt;/b&gt; is known. It does not turn.</p>'
    assert text.count(said) == 1
    head = text[: text.index("</header>")]
    assert "The data do not tell α, β, γ from the published constants; 1.18, 1.12, 1.14" in head


def test_published_constants_are_said_to_be_used_where_the_data_do_not_tell_others(
    tmp_path: Path,
) -> None:
    swept(tmp_path, alpha=1.2, beta=1.1, gamma=1.15)
    said = "The data do not tell α, β, γ from the published constants, which are used."
    assert run_verdict(loaded(tmp_path)) == said
    told = {**run_folder.ESTIMATE, "gain": 0.004}
    swept(tmp_path, estimate=told)
    assert run_verdict(loaded(tmp_path)).startswith(
        "The data tell α, β, γ from the published constants: 1.18, 1.12, 1.14 are used, expected "
        "to bring 0.40 ± 0.07 points"
    )


def test_each_constant_is_drawn_beside_the_published_one(tmp_path: Path) -> None:
    swept(tmp_path)
    found = estimate(loaded(tmp_path).constants, COMPOUND)
    assert found is not None
    traces = {trace.name: trace for trace in estimate_figure(found).data}
    assert list(traces["published"].x) == [1.2, 1.1, 1.15]
    drawn = traces["estimate, 95 %"]
    assert list(drawn.x) == [1.18, 1.12, 1.14]
    assert list(drawn.error_x.array) == pytest.approx([0.22, 0.13, 0.17])
    assert list(drawn.error_x.arrayminus) == pytest.approx([0.18, 0.1, 0.14])
    assert drawn.hovertext[0] == "α\u00a01.18 [1.00,\u00a01.40], 95 % interval"
    assert set(traces["the grid's range"].x) == {1, 1.4, None}
    assert "0.04 ± 0.07 points more accurate than the published" in estimate_caption(found)


def test_a_loss_is_no_gain(tmp_path: Path) -> None:
    swept(tmp_path, estimate={**run_folder.ESTIMATE, "gain": -0.0004})
    found = estimate(loaded(tmp_path).constants, COMPOUND)
    assert found is not None
    assert "0.04 ± 0.07 points less accurate than the published" in estimate_caption(found)


@pytest.mark.parametrize(
    "part",
    [
        {"alpha": "1.2"},
        {"alpha": True},
        {"alpha": float("nan")},
        {"interval": {"alpha": [1.0], "beta": [1, 2], "gamma": [1, 2]}},
        {"interval": None},
        {"known": {"alpha": 1.2}},
    ],
)
def test_half_an_estimate_is_none(tmp_path: Path, part: dict[str, Any]) -> None:
    swept(tmp_path, estimate={**run_folder.ESTIMATE, **part})
    frames = loaded(tmp_path)
    assert estimate(frames.constants, COMPOUND) is None
    assert [panel.id for panel in sweep_section(frames).panels] == ["sweep", "candidates"]
    assert list(headline(frames).values()) == ["1.18, 1.12, 1.14"]


@pytest.mark.parametrize("odd", [None, 3, "x", [1], [{"key": None, "accuracy": "high"}]])
def test_networks_that_are_named_oddly_are_no_winners(tmp_path: Path, odd: object) -> None:
    swept(tmp_path, best=odd, ties=odd)
    assert not sweep(loaded(tmp_path)).is_named
    write_dashboard(tmp_path, COMPOUND)


def test_the_estimate_fits_a_narrow_screen(tmp_path: Path) -> None:
    swept(tmp_path / "run")
    report = probed(write_dashboard(tmp_path / "run", COMPOUND), tmp_path, 390)
    assert report["overflow"] <= 0
    assert report["cut"] == []
    assert report["drawn"] == 4  # the published family is always there
