"""Recipe, architecture and scaling taken apart: what was planted is found, and nothing is lost."""

import csv
import json
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from nas.networks.cost import cost
from nas.training.recipe import Recipe
from nas.trainings.engine import Trainer
from nas.trainings.log import TrainingLog
from nas.trainings.record import TrainingRecord
from planted import TOGETHER, WORTH, Planted
from scaling_search.grow.parts import PARTS, Arm, PlainVersions, make_arms
from scaling_search.parts import PartsPlan, PartsResult, train_parts
from scaling_search.rule.compound import PAPER
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.zoo import zoo
from synthetic import here, nowhere

B0 = zoo("efficientnet_b0")
PLAIN = PlainVersions(baseline=zoo("mobilenet_v1"), scaling="width")
NOT_AT_ALL = {"full": Trainer(Planted(), nowhere), "plain": Trainer(Planted(), nowhere)}


def arms(*parts: str, baseline: Arch = B0, ratio: float = 2) -> tuple[Arm, ...]:
    return make_arms(baseline, parts or PARTS, PLAIN, ratio, PAPER)


def trainers(**settings: Any) -> dict[str, Trainer]:
    full = Planted(**settings)
    plain = Planted(recipe=Recipe(schedule="exponential"), **settings)
    return {name: Trainer(e, here(e)) for name, e in (("full", full), ("plain", plain))}


def trained(run: Path, chosen: tuple[Arm, ...], seeds: int = 3, **settings: Any) -> PartsResult:
    return train_parts(PartsPlan.of(chosen, run, seeds=seeds), trainers(**settings), run)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def recorded(run: Path) -> list[dict[str, Any]]:
    timed = ("seconds", "processor_seconds")
    lines = map(json.loads, (run / "parts.jsonl").read_text().splitlines())
    return [{name: value for name, value in line.items() if name not in timed} for line in lines]


def test_every_combination_is_an_arm_of_about_equal_macs() -> None:
    chosen = arms()
    assert [arm.name for arm in chosen] == [
        "full",
        "plain recipe",
        "plain architecture",
        "plain scaling",
        "plain recipe, architecture",
        "plain recipe, scaling",
        "plain architecture, scaling",
        "all plain",
    ]
    for arm in chosen:
        macs = cost(arm.network.arch).macs / (2 * cost(B0).macs)
        assert arm.difference == pytest.approx(macs - 1)
        assert abs(arm.difference) < 0.1
        assert (arm.network.kind == "width") == ("scaling" in arm.plain)
        assert (arm.network.arch.stages[0].op == "sepconv") == ("architecture" in arm.plain)
        assert arm.evaluator == ("plain" if "recipe" in arm.plain else "full")
    assert len({(arm.evaluator, arm.network.arch.key()) for arm in chosen}) == 8


def test_the_plain_network_has_the_macs_classes_and_pixels_of_the_baseline() -> None:
    small = B0.replace(num_classes=5, resolution=160)
    for arm in arms("architecture", baseline=small):
        assert cost(arm.network.baseline).macs == pytest.approx(cost(small).macs, rel=0.03)
        assert arm.network.baseline.num_classes == arm.network.arch.num_classes == 5
        assert arm.network.baseline.resolution == 160


def test_only_what_is_asked_for_is_exchanged() -> None:
    assert [arm.plain for arm in arms("scaling")] == [(), ("scaling",)]
    assert {arm.evaluator for arm in arms("scaling", "architecture")} == {"full"}


def test_intervals_hold_what_was_planted(tmp_path: Path) -> None:
    chosen, inside = arms(), []
    means: dict[str, list[float]] = {}
    for seed in range(0, 60, 3):
        run = tmp_path / str(seed)
        result = train_parts(PartsPlan.of(chosen, run, seed=seed), trainers(), run)
        assert result.effects is not None
        assert result.effects.degrees == 14
        found = {each.name: each.size for each in result.effects.main}
        found |= {each.name: each.size for each in result.effects.interactions}
        planted = {**WORTH, "recipe × architecture": TOGETHER, "recipe × scaling": 0}
        inside += [
            found[name].low <= true / 100 <= found[name].high for name, true in planted.items()
        ]
        for name in planted:
            means.setdefault(name, []).append(100 * found[name].value)
        first, last = result.arms[0].accuracy, result.arms[-1].accuracy
        assert first is not None
        assert last is not None
        assert result.effects.total.value == pytest.approx(first - last)
    assert sum(inside) / len(inside) >= 0.9
    assert {name: fmean(of) for name, of in means.items()} == pytest.approx(planted, abs=0.15)


def test_tables_say_what_was_found(tmp_path: Path) -> None:
    result = trained(tmp_path, arms())
    assert result.effects is not None
    table = rows(tmp_path / "parts.csv")
    assert [row["recipe"] for row in table[:2]] == ["full", "plain"]
    assert {row["seeds"] for row in table} == {"3"}
    for row, each in zip(table, result.arms, strict=True):
        assert float(row["accuracy"]) == pytest.approx(each.accuracy, abs=1e-6)
        assert int(row["macs"]) == cost(each.arm.network.arch).macs
    effects = {(row["kind"], row["effect"]): row for row in rows(tmp_path / "effects.csv")}
    assert len(effects) == 7 + 3 + 1
    recipe = effects["main", "recipe"]
    assert float(recipe["low"]) < WORTH["recipe"] < float(recipe["high"])
    assert float(effects["total", ""]["points"]) == pytest.approx(
        100 * result.effects.total.value, abs=1e-3
    )


def test_two_recipes_of_one_network_are_two_trainings(tmp_path: Path) -> None:
    result = trained(tmp_path, arms("recipe"), seeds=2)
    records = TrainingLog(tmp_path / "parts.jsonl").read()
    assert [(record.evaluator, record.seed) for record in records] == [
        ("full", 0),
        ("full", 1),
        ("plain", 0),
        ("plain", 1),
    ]
    assert len({record.key for record in records}) == 1
    full, plain = result.arms
    assert full.accuracy is not None
    assert plain.accuracy is not None
    assert full.accuracy - plain.accuracy == pytest.approx(0.04, abs=0.02)


@pytest.mark.parametrize("kept", [0, 5, 13, 23])
def test_a_killed_one_goes_on_and_trains_nothing_twice(tmp_path: Path, kept: int) -> None:
    diary = tmp_path / "diary"
    whole = trained(tmp_path, arms(), diary=str(diary))
    expected = recorded(tmp_path)
    lines = (tmp_path / "parts.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "parts.jsonl").write_bytes(b"".join(lines[:kept]) + lines[kept][:40])
    diary.unlink()
    assert trained(tmp_path, arms(), diary=str(diary)) == whole
    assert recorded(tmp_path) == expected
    assert len(diary.read_text().splitlines()) == 24 - kept


def test_a_rerun_trains_nothing(tmp_path: Path) -> None:
    whole = trained(tmp_path, arms())
    plan = PartsPlan.of(arms(), tmp_path)
    assert plan.missing == ()
    assert train_parts(plan, NOT_AT_ALL, tmp_path) == whole


def test_a_part_that_is_added_later_keeps_what_was_trained(tmp_path: Path) -> None:
    trained(tmp_path, arms("scaling"))
    plan = PartsPlan.of(arms("scaling", "recipe"), tmp_path)
    assert (plan.total, len(plan.missing)) == (12, 6)
    assert {arm.evaluator for arm in plan.missing} == {"plain"}


def test_time_is_told_by_trainings_of_the_folder(tmp_path: Path) -> None:
    chosen = arms("recipe")
    plan = PartsPlan.of(chosen, tmp_path)
    assert plan.seconds([]) is None
    others = [
        TrainingRecord(arch=B0, seed=seed, state="finished", accuracy=0.5, seconds=10.0)
        for seed in range(2)
    ]
    ratio = cost(chosen[0].network.arch).macs / cost(B0).macs
    assert plan.seconds(others) == pytest.approx(6 * 10 * ratio)


def test_an_arm_that_fails_leaves_no_effect_and_has_its_reason(tmp_path: Path) -> None:
    result = trained(tmp_path, arms(), fails="012")
    assert result.effects is None
    failed = [each for each in result.arms if each.accuracy is None]
    assert [each.arm.name for each in failed] == ["plain recipe, architecture", "all plain"]
    assert {each.reason for each in failed} == {"seed 0: diverged: loss nan at epoch 1"}
    assert rows(tmp_path / "effects.csv") == []


def test_a_training_that_fails_is_left_out_and_named(tmp_path: Path) -> None:
    result = trained(tmp_path, arms(), fails="1")
    assert result.effects is not None
    assert result.effects.degrees == 12
    assert [each.seeds for each in result.arms] == [3, 3, 3, 3, 2, 3, 3, 2]
    assert result.arms[-1].reason == "seed 1: diverged: loss nan at epoch 1"


def test_one_seed_tells_no_effect_from_noise(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^seeds: expected at least 2"):
        PartsPlan.of(arms("scaling"), tmp_path, seeds=1)


@pytest.mark.parametrize(
    ("ratio", "plain", "message"),
    [
        (0.0, PLAIN, "ratio: expected a number above 0"),
        (float("nan"), PLAIN, "ratio: expected a number above 0"),
        (1.0, PLAIN, "ratio: at 1 × the MACs of efficientnet_b0, width alone and all dim"),
        (1e9, PLAIN, "ratio: width scaling grows efficientnet_b0 to no more than"),
        (2.0, PlainVersions(baseline=B0, scaling="width"), "plain_baseline: efficientnet_b0 is"),
        (2.0, PlainVersions(baseline=B0, scaling="hight"), "plain_scaling: got 'hight'"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    ratio: float, plain: PlainVersions, message: str
) -> None:
    with pytest.raises(UserError, match=f"^{message}"):
        make_arms(B0, ("architecture", "scaling"), plain, ratio, PAPER)
