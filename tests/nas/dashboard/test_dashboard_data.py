"""What the figures draw, exactly."""

import itertools
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import run_folder
from nas.dashboard import theme
from nas.dashboard.ablation import dimensions_figure, ways_figure
from nas.dashboard.best_so_far import best_so_far, best_so_far_figure, hypervolume_shares
from nas.dashboard.candidates import candidates_figure
from nas.dashboard.choices import choices, front_ranks
from nas.dashboard.family import growth, growth_figure, published_figure
from nas.dashboard.frames import RunFrames, load_run
from nas.dashboard.iso_lines import iso_lines
from nas.dashboard.panels import sweep_section
from nas.dashboard.published import published_efficientnet, published_networks
from nas.dashboard.sweep import sweep, sweep_figure
from nas.dashboard.trials import accuracy_against_macs, accuracy_against_macs_figure
from nas.searches.rewards import Absolute, Front, Hard, Soft
from nas.trainings.log import TrainingLog
from scaling_search.grow.family import formula_family, published_family, write_family
from scaling_search.rule.compound import COMPOUND, PAPER
from search_spaces.yaml_io import write_arch
from search_spaces.zoo import zoo


def trial(number: int, accuracy: float | None, macs: float, **others: Any) -> dict[str, Any]:
    row = {
        "number": number,
        "state": "failed" if accuracy is None else "finished",
        "accuracy": "" if accuracy is None else accuracy,
        "reward": "" if accuracy is None else Soft(4e8)(accuracy, macs),
        "macs": macs,
        "front": False,
        "baseline": False,
    }
    return {**row, **others}


def frames_of(folder: Path, *rows: dict[str, Any], reward: run_folder.Reward | None) -> RunFrames:
    if reward is not None:
        run_folder.write_config(folder, reward)
    run_folder.write_csv(folder / "trials.csv", rows)
    return load_run(folder, COMPOUND)


@pytest.fixture
def four(tmp_path: Path) -> RunFrames:
    return frames_of(
        tmp_path,
        trial(0, 0.80, 5e8),
        trial(1, 0.70, 2e8, front=True),
        trial(2, None, 3e8),
        trial(3, 0.90, 4e8, front=True, baseline=True),
        reward=Soft(4e8),
    )


def test_trials_fall_into_front_baseline_failed_and_others(four: RunFrames) -> None:
    shown = accuracy_against_macs(four)
    assert list(shown.trials["number"]) == [0]
    assert list(shown.front["number"]) == [1, 3]
    assert list(shown.baseline["number"]) == [3]
    assert list(shown.failed["number"]) == [2]
    assert shown.target == 4e8
    assert shown.macs_range == (2e8, 5e8)


def test_the_figure_draws_what_was_computed(four: RunFrames) -> None:
    traces = {trace.name: trace for trace in accuracy_against_macs_figure(four).data}
    assert list(traces["front"].x) == [2e8, 4e8]
    assert list(traces["front"].y) == [70, 90]
    assert list(traces["baseline"].y) == [90]
    assert list(traces["failed"].x) == [3e8]


def test_a_hover_label_tells_spelling_cost_reward_file_and_proxy(tmp_path: Path) -> None:
    row = trial(7, 0.9, 4e8, accuracy_stderr=0.01, seeds=2, params=5288548, file="front/a.yaml",
                tie=True, note="out of memory: batches of 32 in 2 parts",
                compact="ir_r1_k3_s1_e1_c16_se0.25 ir_r2_k3_s2_e6_c24_se0.25")  # fmt: skip
    shown = accuracy_against_macs(frames_of(tmp_path, row, reward=Soft(4e8)))
    (text,) = shown.trials["hover"]
    assert text.split("<br>") == [
        "<b>trial 7 · within the noise of the baseline</b>",
        "proxy accuracy 90.0 ± 1.0 %",
        "<i>digits, 1437 training images, 24 px, width × 0.125, 8 epochs, 2 seeds</i>",
        "400M MACs, 5.289M params",
        "reward 0.9000",
        "out of memory: batches of 32 in 2 parts",
        "file front/a.yaml",
        "ir_r1_k3_s1_e1_c16_se0.25 ir_r2_k3_s2_e6_c24_se0.25",
    ]


@settings(max_examples=30)
@given(
    reward=st.one_of(
        st.builds(Soft, st.just(4e8), st.floats(-1, -0.01)),
        st.builds(Hard, st.just(4e8), st.floats(-2, -0.01)),
        st.builds(Absolute, st.just(4e8), st.floats(-1, -0.01)),
    ),
    low=st.floats(0.1, 0.5),
    span=st.floats(0.01, 0.4),
    macs=st.floats(1e7, 4e8),
    ratio=st.floats(1.1, 50),
)
def test_every_point_of_an_iso_line_has_its_reward(
    reward: run_folder.Reward, low: float, span: float, macs: float, ratio: float
) -> None:
    best = reward(low + span / 2, macs)
    lines = iso_lines(reward, (macs, macs * ratio), (low, low + span), best)
    assert sum(line.through_baseline for line in lines) == 1
    for line in lines:
        for cost, accuracy in zip(line.macs, line.accuracy, strict=True):
            assert reward(accuracy, cost) == pytest.approx(line.reward, rel=1e-9, abs=1e-12)


def test_iso_lines_have_round_rewards_and_bend_at_the_target() -> None:
    lines = iso_lines(Hard(4e8), (2e8, 8e8), (0.6, 0.9), baseline=0.8)
    assert [line.label for line in lines if not line.through_baseline] == [
        "0.3", "0.4", "0.5", "0.6", "0.7", "0.9",
    ]  # fmt: skip
    assert lines[-1].label == "0.800"
    assert all(4e8 in line.macs for line in lines)


def test_a_reward_of_another_cost_has_no_lines_over_macs(tmp_path: Path) -> None:
    shown = accuracy_against_macs(
        frames_of(tmp_path, trial(0, 0.8, 5e8, cost=0.012), reward=Soft(0.01))
    )
    assert shown.iso_lines == ()
    assert shown.target is None


def test_a_front_shows_the_line_of_the_baseline_alone(tmp_path: Path) -> None:
    frames = frames_of(tmp_path, trial(0, 0.8, 5e8, front=True, baseline=True), reward=Front(4e8))
    assert [line.through_baseline for line in accuracy_against_macs(frames).iso_lines] == [True]


def test_the_best_reward_so_far_never_falls(four: RunFrames) -> None:
    shown = best_so_far(four)
    rewards = [Soft(4e8)(a, c) for a, c in ((0.8, 5e8), (0.7, 2e8), (0.9, 4e8))]
    assert list(shown.trials["number"]) == [0, 1, 3]
    assert shown.trials["value"].tolist() == pytest.approx(rewards)
    assert shown.trials["best"].tolist() == pytest.approx([rewards[0], rewards[0], rewards[2]])


def test_a_front_is_followed_by_its_hypervolume(tmp_path: Path) -> None:
    rows = [trial(0, 0.5, 100.0), trial(1, 0.7, 100.0 / math.e), trial(2, 0.9, 100.0 / math.e**0.5)]
    shown = best_so_far(frames_of(tmp_path, *rows, reward=Front(4e8)))
    # From (0.5, log 100): nothing; 0.2 × 1; then (0.9 − 0.7) × ½ more.
    assert shown.trials["best"].tolist() == pytest.approx([0, 0.2 / 0.3, 1])
    assert shown.title == "share of the final hypervolume"


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(1, 1e6)), min_size=1, max_size=30),
)
def test_hypervolume_shares_rise_to_one(points: list[tuple[float, float]]) -> None:
    shares = hypervolume_shares([a for a, _ in points], [c for _, c in points])
    assert shares[-1] == 1
    assert all(x <= y + 1e-9 for x, y in itertools.pairwise(shares))


def test_choices_are_counted_among_the_best_tenth_and_all(tmp_path: Path) -> None:
    rows = [
        trial(n, 0.5 + n / 100, 4e8, s0_kernel=3 if n < 15 else 5, baseline=n == 19)
        for n in range(20)
    ]
    shown = choices(frames_of(tmp_path, *rows, reward=Soft(4e8)))
    assert (shown.best, shown.all) == (2, 20)
    assert shown.shares.to_dict("records") == [
        {"stage": "stage 0", "field": "kernel", "option": "3", "share_best": 0.0,
         "share_all": 0.75, "baseline": False},
        {"stage": "stage 0", "field": "kernel", "option": "5", "share_best": 1.0,
         "share_all": 0.25, "baseline": True},
    ]  # fmt: skip


def test_options_stand_in_their_natural_order(tmp_path: Path) -> None:
    options = ["10", "9", "k11", "k2", "0.25", "-1"]
    rows = [trial(n, 0.5, 4e8, s0_x=option) for n, option in enumerate(options)]
    shown = choices(frames_of(tmp_path, *rows, reward=Soft(4e8)))
    assert list(shown.shares["option"]) == ["-1", "0.25", "9", "10", "k2", "k11"]


def test_fronts_are_peeled_off_one_by_one() -> None:
    assert front_ranks([0.9, 0.8, 0.7, 0.6], [4.0, 2.0, 3.0, 5.0]) == [0, 0, 1, 2]


def candidate(index: int, accuracy: float | str, **others: Any) -> dict[str, Any]:
    row = {
        "candidate": index, "alpha": 1.2, "beta": 1.1, "gamma": 1.15, "points": 2,
        "nominal_ratio": 1.9203, "realised_ratio": 2.57, "resolution": 258, "macs": 991e6,
        "params": 9.1e6, "accuracy": accuracy, "stderr": 0.004, "seeds": 3, "in_band": True,
        "tied": False, "winner": False, "key": "", "compact": "", "reason": "",
    }  # fmt: skip
    return {**row, **others}


def test_candidates_stand_by_standing_then_accuracy(tmp_path: Path) -> None:
    run_folder.write_csv(
        tmp_path / "sweep.csv",
        [
            candidate(0, 0.88),
            candidate(1, 0.91, in_band=False),
            candidate(2, 0.90, winner=True, tied=True),
            candidate(3, 0.89, tied=True),
            candidate(4, "", reason="diverged"),
            candidate(5, 0.885),
            candidate(6, 0.95, reason="seed 1: diverged"),
        ],
    )
    shown = sweep(load_run(tmp_path, COMPOUND))
    assert list(zip(shown.candidates["candidate"], shown.candidates["standing"], strict=True)) == [
        (2, "winner"),
        (3, "tied with the winner"),
        (5, "behind"),
        (0, "behind"),
        (6, "failed with some seed"),
        (1, "outside the cost band"),
    ]
    assert shown.failed == 1
    assert shown.target_ratio is None


def test_a_candidate_that_was_never_trained_did_not_fail(tmp_path: Path) -> None:
    rows = [
        candidate(0, 0.9, winner=True),
        candidate(1, "", seeds=0, stderr="", in_band=False),
        candidate(2, "", seeds=0, stderr="", reason="diverged"),
    ]
    run_folder.write_csv(tmp_path / "sweep.csv", rows)
    shown = sweep(load_run(tmp_path, COMPOUND))
    assert shown.candidates["candidate"].tolist() == [0]
    assert shown.failed == 1


def test_the_band_and_what_would_decide_come_with_the_constants(tmp_path: Path) -> None:
    run_folder.write_csv(tmp_path / "sweep.csv", [candidate(0, 0.9, winner=True)])
    (tmp_path / "constants.yaml").write_text(
        "target_ratio: 2.0\nband: [1.0, 3.0]\ntrainings_to_decide: 7\n"
    )
    shown = sweep(load_run(tmp_path, COMPOUND))
    assert shown.band == (1, 3)
    assert shown.target_ratio == 2
    assert shown.undecided == 7


def test_the_sweep_shows_error_bars_and_both_ratios(tmp_path: Path) -> None:
    run_folder.write_csv(tmp_path / "sweep.csv", [candidate(0, 0.9, winner=True)])
    frames = load_run(tmp_path, COMPOUND)
    (winner,) = sweep_figure(frames).data
    assert list(winner.x) == [2.57]
    assert list(winner.y) == [90]
    assert winner.error_y.array.tolist() == pytest.approx([0.4])
    traces = {trace.name: trace for trace in candidates_figure(frames).data if trace.name}
    assert list(traces["nominal α·β²·γ²"].x) == [1.9203]
    assert list(traces["realised"].x) == [2.57]


def test_networks_at_other_phis_are_drawn_as_what_they_are(tmp_path: Path) -> None:
    """They tell of the direction, and cannot win, however accurate they are."""
    run_folder.write_sweep_log(tmp_path, 3)
    log = TrainingLog(tmp_path / "sweep.jsonl")
    beside = []
    for number, phi in enumerate((0.0, 0.5, 0.5, 2.0)):
        arch = zoo("efficientnet_b0").replace(resolution=300 + number)
        labels = {"alpha": 1.2, "beta": 1.1, "gamma": 1.15, "phi": phi, "realised_ratio": 2**phi}
        log.append(run_folder.training(arch, 0, 0.95 + number / 100, labels))
        beside.append(arch.key())
    run_folder.write_config(tmp_path)
    swept = [record.key for record in log.read() if record.key not in beside]
    run_folder.write_asked(tmp_path, "sweep", phi=1.0, networks=swept, beside=beside)
    turn = "The best direction turns with cost: α 1.30 at φ = 0.5, α 1.10 at φ = 2."
    run_folder.write_constants(tmp_path, turn_with_cost=turn)
    frames = load_run(tmp_path, COMPOUND)
    assert len(frames.sweep) == 3
    shown = sweep(frames)
    assert shown.stars["phi"].tolist() == [0.5, 0.5, 2.0]
    assert not set(shown.stars["key"]) & set(shown.candidates["key"])
    assert shown.ends[0] < 2**0.5 < 4 < shown.ends[1]
    drawn = {trace.name: trace for trace in sweep_figure(frames).data}
    assert list(drawn["at φ = 0.5"].y) == pytest.approx([96, 97])
    assert "at φ = 2; cannot win" in drawn["at φ = 2"].hovertext[0]
    caption = str(sweep_section(frames).panels[-2].caption)
    assert "networks at φ = 0.5, 2, which cannot win" in caption
    assert turn in caption


def test_a_family_without_phi_stands_beside_its_namesakes(tmp_path: Path) -> None:
    for name, resolution in (("b0", 224), ("b2", 260), ("mine", 300)):
        arch = zoo("efficientnet_b0").replace(resolution=resolution)
        write_arch(arch, tmp_path / "family" / f"{name}.yaml")
    shown = growth(load_run(tmp_path, COMPOUND))
    assert list(zip(shown.ours["name"], shown.ours["phi"], strict=True)) == [("B0", 0), ("B2", 1)]


def test_a_family_may_shrink(tmp_path: Path) -> None:
    members = formula_family(zoo("efficientnet_b0"), PAPER, phis=(-1, 1))
    write_family(members, tmp_path)
    names = {trace.name: trace for trace in growth_figure(load_run(tmp_path, COMPOUND)).data}
    assert list(names["this family"].x) == [-1, 0, 1]


def test_published_figures_are_the_papers() -> None:
    family = published_efficientnet().set_index("name")
    assert family.loc["B0", ["params", "macs", "top1"]].tolist() == [5288548, 385814752, 77.1]
    assert family.loc["B7", ["params", "macs", "top1"]].tolist() == [66347960, 37745884192, 84.3]
    networks = published_networks().set_index("name")
    assert len(networks) == 16
    assert networks.loc["ResNet-152", ["params", "macs", "top1"]].tolist() == [60e6, 11e9, 77.8]
    assert math.isnan(networks.loc["GPipe", "macs"])


def test_the_published_family_is_the_one_that_the_rule_scales(tmp_path: Path) -> None:
    write_family(published_family(zoo("efficientnet_b0")), tmp_path)
    shown = growth(load_run(tmp_path, COMPOUND))
    for column in ("name", "phi", "params", "macs"):
        assert list(shown.ours[column]) == list(shown.published[column])


def test_published_accuracies_are_labelled_as_published(tmp_path: Path) -> None:
    run_folder.write_family(tmp_path)
    figure = published_figure(load_run(tmp_path, COMPOUND))
    assert figure.layout.yaxis.title.text == "published ImageNet top-1 (%), not ours"
    ours = next(trace for trace in figure.data if trace.name == "MACs of this family")
    assert set(ours.y) == {figure.layout.yaxis.range[0]}


def test_ways_of_growing_are_lines_from_the_baseline_with_bars(tmp_path: Path) -> None:
    run_folder.write_ablation(tmp_path)
    frames = load_run(tmp_path, COMPOUND)
    lines = {trace.name: trace for trace in ways_figure(frames).data}
    assert set(lines) == {"depth", "width", "resolution", "compound", "baseline"}
    assert list(lines.pop("baseline").y) == [70]
    assert list(lines["compound"].y) == pytest.approx([70, 72.2, 74.4])
    assert list(lines["compound"].error_y.array) == pytest.approx([0.3] * 3)
    apart = [trace.x[1] / frames.ablation["macs"].median() for trace in lines.values()]
    assert len({round(x, 4) for x in apart}) == 4
    width, depth, resolution = dimensions_figure(frames).data
    assert list(depth.text) == ["", "d=2.00", "d=3.70"]
    assert depth.x[0] == 385_800_000
    assert [trace.name for trace in (width, resolution)] == ["width", "resolution"]
    assert "proxy accuracy 72.20 ± 0.30 %, 3 seeds" in lines["compound"].hovertext[1]


@pytest.mark.parametrize("trials", [1, 2, 9, 10, 11])
def test_small_searches_are_drawn(tmp_path: Path, trials: int) -> None:
    run_folder.write_config(tmp_path)
    run_folder.write_search(tmp_path, trials)
    frames = load_run(tmp_path, COMPOUND)
    assert len(accuracy_against_macs_figure(frames).data) >= 2
    assert len(best_so_far_figure(frames).data) == 3


@given(st.floats(1, 1e12), st.floats(1.02, 1e6))
def test_ticks_lie_within_their_range(low: float, ratio: float) -> None:
    ticks = theme.log_ticks(low, low * ratio)
    assert len(ticks) >= 2
    assert ticks == sorted(set(ticks))
    assert all(low * (1 - 1e-5) <= tick <= low * ratio * (1 + 1e-5) for tick in ticks)


@pytest.mark.parametrize(
    ("number", "text"),
    [(385814752, "386M"), (1827141392, "1.83B"), (999.9e6, "1B"), (5288548, "5.29M"),
     (1500, "1.5k"), (12, "12"), (None, "–"), (math.nan, "–")],
)  # fmt: skip
def test_counts_read_as_people_spell_them(number: float | None, text: str) -> None:
    assert theme.count(number) == text


def test_a_far_off_value_does_not_squeeze_the_others() -> None:
    low, high = theme.visible_range([0.1, *(0.9 + n / 1000 for n in range(20))])
    assert 0.89 < low < 0.9
    assert 0.919 < high < 0.93
