"""The spaces that are shipped: their size, their names, and what their networks cost."""

import csv
from pathlib import Path

import pytest

from nas.networks.cost import cost
from search_spaces.zoo import zoo
from shipped import SPACES

HERE = Path(__file__).parent


def rows(name: str) -> list[dict[str, str]]:
    with (HERE / "data" / f"{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_sizes() -> None:
    assert SPACES["kernel_expand"].size == 3**13
    assert SPACES["nas_bench_macro"].size == 6561
    assert SPACES["accel_nasbench"].size == (3 * 2 * 3 * 2) ** 6 * (3 * 2 * 4 * 2)
    # Stage 0: one layer less, and 0.75 × 16 channels, are what the base has already; the last
    # stage has one layer too. 0.75 × 24 would lose over 10 % and rounds back up to 24.
    options = {c.name: c.options for c in SPACES["mnasnet"].choices}
    assert options["s0_layers"] == options["s6_layers"] == (0, 1)
    assert options["s0_width"] == (1.0, 1.25)
    assert options["s1_layers"] == (-1, 0, 1)


def test_names_and_order_of_choices() -> None:
    choices = {choice.name: choice for choice in SPACES["mnasnet"].choices}
    assert choices["s3_kernel"].options == (3, 5)
    assert choices["s3_se"].options == (0.0, 0.25)
    assert all(choice.ordered for choice in choices.values())
    assert "s0_expand" not in choices
    assert not any(choice.ordered for choice in SPACES["nas_bench_macro"].choices)


@pytest.mark.parametrize("name", ["kernel_expand", "mnasnet", "accel_nasbench"])
def test_efficientnet_b0_is_in_the_spaces_on_its_skeleton(name: str) -> None:
    b0 = zoo("efficientnet_b0")
    params = SPACES[name].encode(b0)
    assert SPACES[name].decode(params).key() == b0.key()
    assert params["s2_kernel"] == 5


def test_nas_bench_macro_costs_what_the_benchmark_says() -> None:
    space = SPACES["nas_bench_macro"]
    for row in rows("nas_bench_macro"):
        params = {
            choice.name: choice.options[int(digit)]
            for choice, digit in zip(space.choices, row["key"], strict=True)
        }
        price = cost(space.decode(params))
        assert (price.params, price.macs) == (int(row["params"]), int(row["macs"])), row["key"]


def test_accel_nasbench_costs_what_the_benchmark_says() -> None:
    space = SPACES["accel_nasbench"]
    for row in rows("accel_nasbench"):
        price = cost(space.decode({c.name: int(row[c.name]) for c in space.choices}))
        assert (price.params, price.macs) == (int(row["params"]), int(row["macs"]))


def test_identities_that_do_nothing_are_one_network() -> None:
    space = SPACES["nas_bench_macro"]
    stage = ("mb6", "identity", "mb3"), ("mb6", "mb3", "identity")
    keys = {
        space.decode(
            {f"s{i}_op": op for i, op in enumerate((*("mb3", "mb6"), *three, *["mb3"] * 3))}
        ).key()
        for three in stage
    }
    assert len(keys) == 1
