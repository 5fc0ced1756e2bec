"""Latencies of networks beyond a table's space: what it lacks is estimated from what it has."""

from pathlib import Path

import numpy as np
import pytest

from nas.latency.estimate import LatencyEstimate, part_work
from nas.latency.table import LatencyTable, parts
from nas.networks.cost import cost
from scaling_search.rule.compound import PAPER
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.zoo import ZOO, zoo

B0 = zoo("efficientnet_b0")
GROWN = PAPER.multipliers(2.0).apply(B0)


def linear(arch: Arch) -> LatencyTable:
    """A table whose times are a sum over what the parts' layers are."""
    rates = np.array([1e-5, 2e-10, 5e-10, 3e-9])
    return LatencyTable({part: float(part_work(part, "t") @ rates) for part in parts(arch)}, 1.1)


@pytest.mark.parametrize("name", ZOO)
def test_the_names_of_parts_say_what_work_they_are(name: str) -> None:
    arch = zoo(name)
    work = sum(part_work(part, "t") for part in parts(arch))
    assert work[1] + work[2] == cost(arch).macs


def test_a_network_of_the_table_has_the_tables_latency() -> None:
    table = linear(B0)
    assert LatencyEstimate.of(table).latency(B0) == pytest.approx(table.latency(B0))


def test_a_grown_network_takes_what_its_work_takes() -> None:
    assert not set(parts(GROWN)) & set(parts(B0))
    estimate = LatencyEstimate.of(linear(B0)).latency(GROWN)
    assert estimate == pytest.approx(linear(GROWN).latency(GROWN), rel=1e-6)


@pytest.mark.parametrize(
    ("seconds", "message"),
    [
        ({}, "t.yaml: expected parts, each with a time above 0"),
        (dict.fromkeys(parts(B0), 0.0), "t.yaml: expected parts, each with a time above 0"),
        ({"stem": 1.0}, "t.yaml: 'stem': expected the name of a part of a network"),
        ({"mbconv 0px 1>1>1 k3 s1 relu": 1.0}, "t.yaml: 'mbconv 0px 1>1>1 k3 s1 relu': expected"),
    ],
)
def test_what_is_no_table_is_refused(seconds: dict[str, float], message: str) -> None:
    with pytest.raises(UserError) as caught:
        LatencyEstimate.of(LatencyTable(seconds, source="t.yaml"))
    assert str(caught.value).startswith(message)


def test_a_kind_of_block_that_the_table_has_none_of_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no time of any bottleneck, and so none to estimate"):
        LatencyEstimate.of(linear(B0)).latency(zoo("resnet50"))
