"""`nas-search proxy-check`: what is trained, what τ is of, and that a check goes on."""

import csv
import dataclasses
import itertools
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau

from devtools import probed
from nas.cli import main
from nas.networks.cost import cost
from nas.proxies.page import Check, accuracies_figure, check_page
from nas.proxies.report import accuracies, baselines, conclusion, dearest, verdict
from nas.proxies.sample import spread_sample
from nas.searches.rewards import Soft
from nas.statistics.rank_correlation import kendall, kendall_gain, standardised_sum
from nas.trainings.record import TrainingRecord
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.space import load_space

SPACE = load_space(
    {
        "name": "small",
        "base": "efficientnet_b0",
        "stages": {n: {"kernel": [3, 5], "expand": [3, 6]} for n in (1, 3, 5)},
    },
    "space",
)


def test_a_sample_has_one_network_of_each_equal_part_by_macs() -> None:
    ranked = sorted(
        (
            SPACE.decode(dict(zip([c.name for c in SPACE.choices], options, strict=True)))
            for options in itertools.product(*(choice.options for choice in SPACE.choices))
        ),
        key=lambda arch: cost(arch).macs,
    )
    sample = spread_sample(SPACE, 8, seed=1)
    macs = [cost(arch).macs for arch in sample]
    assert macs == sorted(macs)
    assert len({arch.key() for arch in sample}) == 8
    for part, price in enumerate(macs):
        assert cost(ranked[8 * part]).macs <= price <= cost(ranked[8 * part + 7]).macs
    assert [a.key() for a in spread_sample(SPACE, 8, 1)] == [a.key() for a in sample]
    assert [a.key() for a in spread_sample(SPACE, 8, 2)] != [a.key() for a in sample]


def test_more_networks_than_a_space_has_are_refused() -> None:
    with pytest.raises(UserError, match="expected at most 64"):
        spread_sample(SPACE, 65, seed=0)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=5, max_size=20, unique=True))
def test_tau_is_kendalls_and_lies_in_its_interval_or_ranks_nothing(
    pairs: list[tuple[float, float]],
) -> None:
    said, true = zip(*pairs, strict=True)
    tau = kendall(said, true)
    expected = kendalltau(said, true).statistic
    assert tau.value == pytest.approx(0 if np.isnan(expected) else expected)
    assert -1 <= tau.low <= tau.high <= 1


def test_scores_that_err_differently_rank_better_together() -> None:
    truth = [0, 1, 2, 3, 4, 5, 6, 7]
    low, high = [1.5, 1, 2, 3, 4, 5, 6, 7], [0, 100, 200, 300, 400, 500, 600, 550]
    for scores in (low, high):
        assert kendall(scores, truth).value < kendall(standardised_sum(low, high), truth).value == 1
    assert standardised_sum([1, 1], [3, 5]) == [-1, 1]


def test_a_ranking_gains_nothing_over_itself() -> None:
    gain = kendall_gain([1, 2, 3, 5, 4, 6], [1, 2, 3, 5, 4, 6], [1, 2, 3, 4, 5, 6])
    assert (gain.value, gain.low, gain.high) == (0, 0, 0)


def trained(
    proxy: str, values: dict[Arch, list[float | None]], seconds: float
) -> list[TrainingRecord]:
    return [
        TrainingRecord(
            evaluator=proxy,
            arch=arch,
            seed=seed,
            state="failed" if value is None else "finished",
            accuracy=value,
            curve=() if value is None else (0.1, value),
            processor_seconds=seconds,
        )
        for arch, of in values.items()
        for seed, value in enumerate(of)
    ]


def test_accuracies_are_means_over_seeds_of_what_did_not_fail() -> None:
    good, bad = spread_sample(SPACE, 2, seed=0)
    found = trained("a", {good: [0.5, 0.7], bad: [0.4, None]}, 1.0)
    assert accuracies(found, "a") == {good.key(): pytest.approx(0.6)}


def test_a_verdict_is_of_the_networks_that_have_both_accuracies() -> None:
    archs = spread_sample(SPACE, 8, seed=0)
    rising: dict[Arch, list[float | None]] = {arch: [0.1 * n] for n, arch in enumerate(archs)}
    failed = {**rising, archs[0]: [None]}
    both = trained("cheap", failed, 1.0) + trained("dear", rising, 9.0)
    assert dearest(both) == "dear"
    found = verdict("cheap", both, archs, accuracies(both, "dear"), rewarded)
    assert (found.networks, found.failed, found.seconds) == (7, 1, 1.0)
    assert found.tau.value == pytest.approx(1)
    assert found.by_epoch == (0, pytest.approx(1))
    with pytest.raises(UserError, match="expected at least 5 networks"):
        verdict("cheap", both, archs[:5], accuracies(both, "dear"), rewarded)


def test_a_ranking_by_reward_is_of_accuracy_and_cost_together() -> None:
    archs = spread_sample(SPACE, 8, seed=0)
    true = {arch.key(): 0.5 + 0.01 * (n % 3) for n, arch in enumerate(archs)}
    halved = trained("halved", {arch: [true[arch.key()] / 2] for arch in archs}, 1.0)
    found = verdict("halved", halved, archs, true, rewarded)
    assert found.tau.value == found.reward.value == found.spread == pytest.approx(1)
    # Of accuracies alone MACs say nothing here; of rewards the cost alone says most.
    by_macs, *others, by_cost = baselines(archs, true, rewarded)
    assert by_macs.tau is not None
    assert abs(by_macs.tau.value) < 0.5
    assert all(other.tau is not None and other.reward is None for other in others)
    expected = kendalltau(
        [-cost(arch).macs for arch in archs], [rewarded(a, true[a.key()]) for a in archs]
    ).statistic
    assert by_cost.tau is None
    assert by_cost.reward is not None
    assert by_cost.reward.value == pytest.approx(expected)


def test_accuracies_wider_apart_than_the_true_ones_are_calibrated() -> None:
    archs = spread_sample(SPACE, 8, seed=0)
    true = {arch.key(): 0.9 * 1.01 ** (n % 3) for n, arch in enumerate(archs)}
    wide = trained("wide", {arch: [(true[arch.key()] / 0.9) ** 4 / 2] for arch in archs}, 1.0)
    found = verdict("wide", wide, archs, true, rewarded)
    assert found.spread == pytest.approx(4, rel=0.05)
    assert found.calibrated.value == pytest.approx(1)
    assert found.reward.value < 1
    same = trained("same", {arch: [0.5] for arch in archs}, 1.0)
    assert verdict("same", same, archs, true, rewarded).spread == 0
    assert math.isnan(verdict("wide", wide, archs, dict.fromkeys(true, 0.5), rewarded).spread)


def rewarded(arch: Arch, accuracy: float) -> float:
    return Soft(400e6)(accuracy, cost(arch).macs)


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The arguments of a check that takes no time; conf/ holds a table of the truth."""
    monkeypatch.chdir(tmp_path)
    return [
        "proxy-check", "networks=6", "evaluator=custom", "evaluator._target_=toy.Toy",
        "+evaluator.noise=0.2", "workers=1", "run=out",
    ]  # fmt: skip


TWO = "proxies={noisy: {}, exact: {noise: 0, seconds: 0.01}}"


def test_a_check_goes_on_from_its_records(
    check: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    main([*check, TWO])
    first = capsys.readouterr()
    assert "proxy-check 12/12" in first.err
    assert "MACs alone" in first.out
    path = Path("out/proxy_check.jsonl")
    lines = path.read_text().splitlines()
    assert len(lines) == 12
    path.write_text("\n".join(lines[:9]) + "\n" + lines[9][:20])
    main([*check, TWO])
    again = capsys.readouterr()
    assert "proxy-check 3/3" in again.err
    kept = [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")]
    assert {(e["evaluator"], e["key"], e["accuracy"]) for e in kept} == {
        (e["evaluator"], e["key"], e["accuracy"]) for e in map(json.loads, lines)
    }
    with Path("out/proxy_check.csv").open() as file:
        rows = {row["proxy"]: row for row in csv.DictReader(file)}
    free = {"MACs", "params", "capacity, params", "capacity, activations"}
    alone = {f"{name} alone" for name in free}
    assert set(rows) == {"noisy", "exact", *alone, "one accuracy for all"}
    # Whichever took longer is the reference, and has no τ with itself.
    reference, other = sorted(("noisy", "exact"), key=lambda name: rows[name]["tau"])
    assert rows[reference]["tau"] == rows[reference]["spread"] == ""
    assert f"{reference}, the reference" in first.out
    assert float(rows[other]["tau_low"]) <= float(rows[other]["tau"])
    assert float(rows[other]["with_macs"]) <= float(rows[other]["with_macs_high"])
    assert "6 networks are too few to conclude which proxy ranks best" in first.out
    assert -1 <= float(rows["one accuracy for all"]["reward_tau"]) <= 1
    shown = probed(Path("out/proxy_check.html"), Path.cwd(), 1280)
    assert shown["drawn"] == 2  # the ranking and, of one epoch, the accuracies beside the reference
    assert shown["cut"] == []
    assert shown["overflow"] <= 0
    assert any("MACs" in text for text in shown["hovers"])


def test_the_truth_may_come_from_another_evaluator(
    check: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    truth = ["evaluator@truth=custom", "truth._target_=toy.Toy"]
    main([*check, TWO, *truth])
    told = capsys.readouterr().out
    assert "against true accuracies" in told
    with Path("out/proxy_check.csv").open() as file:
        rows = {row["proxy"]: row for row in csv.DictReader(file)}
    for tau in ("tau", "reward_tau"):
        assert float(rows["exact"][tau]) == pytest.approx(1)
        assert float(rows["noisy"][tau]) < 1


def test_scores_without_epochs_get_their_page_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = ["evaluator=zero_cost", "evaluator.images=8", "data.limit=60", "workers=1"]
    main(["proxy-check", "networks=5", "run=out", *settings])
    shown = probed(tmp_path / "out/proxy_check.html", tmp_path, 1280)
    assert shown["drawn"] == 1  # the ranking of MACs; the scores are not held against themselves
    assert shown["cut"] == []
    page = Path("out/proxy_check.html").read_text("utf-8")
    assert "Nothing is compared: default alone was trained" in page
    assert re.search("<dt>default</dt><dd>digits, 8 images, 32 px", page)


def test_the_page_says_what_proxies_were_trained_on_and_what_it_comes_to() -> None:
    about = {"fast": "cifar10, 32 px, 1 epoch, 1 seed", "slow": "cifar10, 32 px, 9 epochs, 1 seed"}
    archs = spread_sample(SPACE, 12, seed=0)
    rising: dict[Arch, list[float | None]] = {arch: [0.01 * n] for n, arch in enumerate(archs)}
    both = trained("fast", rising, 1.0) + trained("slow", rising, 9.0)
    true = accuracies(both, "slow")
    found = Check(
        archs=archs,
        space="small",
        proxied={name: accuracies(both, name) for name in about},
        truth=true,
        reference="slow",
        about=about,
        verdicts=[verdict(name, both, archs, true, rewarded) for name in about],
        baselines=baselines(archs, true, rewarded),
    )
    text = check_page(found)
    for words in about.values():
        assert words in text
    assert "slow, the reference" in text
    assert [v.proxy for v in found.compared] == ["fast"]
    assert conclusion(found.verdicts, "slow").startswith(("fast ranks at τ 1.00", "No proxy"))
    few = [dataclasses.replace(each, networks=9) for each in found.verdicts]
    assert "9 networks are too few" in conclusion(few, "slow")
    assert "too few" not in conclusion(found.verdicts, "slow")


def test_networks_that_cost_the_same_are_drawn() -> None:
    archs = spread_sample(SPACE, 8, seed=0)[:1]
    key = archs[0].key()
    figure = accuracies_figure(archs, {key: 0.5}, {key: 0.6}, "true accuracies")
    assert list(figure.data[0].marker.colorbar.ticktext)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("networks=2", "networks: expected an integer of at least 5, got 2"),
        ("seeds=many", "seeds: expected an integer of at least 1, got 'many'"),
        ("seed=true", "seed: expected an integer of at least 0, got True"),
        ("proxies={}", "proxies: expected settings by name"),
        ("proxies={a: 3}", "proxies.a: expected settings of the evaluator, got 3"),
        ("workers=0", "workers: expected an integer of at least 1, got 0"),
        ("proxies={a: {noise: loud}}", "proxies.a.noise"),
    ],
)
def test_mistakes_get_one_line_and_leave_nothing(
    check: list[str], capsys: pytest.CaptureFixture[str], change: str, message: str
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([*check, change])
    told = capsys.readouterr().err.strip().splitlines()
    assert stopped.value.code == 2
    assert len(told) == 1
    assert message in told[0]
    assert not Path("out").exists()


def test_a_name_stands_for_one_proxy_in_a_folder(
    check: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    main([*check, TWO])
    with pytest.raises(SystemExit):
        main([*check, "proxies={noisy: {noise: 0.1}}"])
    assert "made with evaluator.noise=0.2" in capsys.readouterr().err


@pytest.mark.parametrize("evaluator", ["scored_proxy_macro", "proxy_macro", "zero_cost"])
def test_networks_of_known_accuracy_are_trained_or_scored_by_one_override(
    evaluator: str, capsys: pytest.CaptureFixture[str]
) -> None:
    experiment = ["experiment=cifar10_macro", "data.path=~/cifar10", f"evaluator={evaluator}"]
    main(["proxy-check", *experiment, "--cfg", "job"])
    composed = capsys.readouterr().out
    assert "name: nas_bench_macro" in composed
    assert ("- grad_norm" in composed) == (evaluator != "proxy_macro")
    assert ("width: 0.25" in composed) == (evaluator != "zero_cost")
