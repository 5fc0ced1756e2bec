"""Timing networks, and the table that predicts their latency. No time is asserted."""

import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from hypothesis import given, settings

from nas.latency.cover import covering
from nas.latency.measure import LatencySettings, device_facts, measure, time_networks
from nas.latency.profile import TableSettings, build_table, without_drift
from nas.latency.table import LatencyTable, parts, read_table, write_table
from search_spaces.arch import Arch
from search_spaces.ends import Head, Stem
from search_spaces.errors import UserError
from search_spaces.space import Space, load_space
from search_spaces.stage import Stage
from search_spaces.yaml_io import arch_to_yaml
from search_spaces.zoo import zoo
from strategies import archs

QUICK = LatencySettings(device="cpu", runs=3, warmup=1)
TINY = Arch(
    name="tiny",
    resolution=16,
    num_classes=3,
    stem=Stem(channels=8),
    stages=(
        Stage(repeats=2, stride=2, expand=2, channels=8, se=0.25),
        Stage(op="sepconv", channels=16),
    ),
    head=Head(channels=16),
)
SPACES = ("kernel_expand", "mnasnet", "accel_nasbench", "nas_bench_macro")
CONF = Path(__file__).parents[3] / "conf" / "space"


def silent(done: int, total: int) -> None:
    pass


def tiny_space() -> Space:
    base = yaml.safe_load(arch_to_yaml(TINY))
    vary = {"kernel": [3, 5], "channels": [8, 12], "repeats": [1, 2]}
    network = {"resolution": [16, 20]}
    return load_space({"name": "tiny", "base": base, "vary": vary, "network": network}, "space")


def shipped(name: str) -> Space:
    return load_space(yaml.safe_load((CONF / f"{name}.yaml").read_text()), "space")


def test_every_network_is_run_as_often_as_asked() -> None:
    told: list[tuple[int, int]] = []
    threads = torch.get_num_threads()
    found, session = measure([TINY, zoo("mobilenet_v3_large").replace(resolution=32)], QUICK,
                             lambda done, total: told.append((done, total)))  # fmt: skip
    assert [len(latency.seconds) for latency in found] == [3, 3]
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert session.warmup == 1
    assert session.share is not None
    assert torch.get_num_threads() == threads
    for latency in found:
        low, high = latency.quartiles
        assert 0 < low <= latency.median <= high


@pytest.mark.parametrize(
    "change", [{"memory_format": "contiguous"}, {"clock": "processor"}, {"memory": "system"},
               {"dtype": "bfloat16"}, {"batch": 3}, {"threads": 2}]
)  # fmt: skip
def test_other_settings_work_too(change: dict[str, object]) -> None:
    asked = LatencySettings(**{**QUICK.spelt(), **change})  # type: ignore[arg-type]
    (found,), _ = measure([TINY], asked, silent)
    assert found.median > 0


@settings(max_examples=25)
@given(archs())
def test_each_part_that_does_something_is_timed(arch: Arch) -> None:
    asked = LatencySettings(device="cpu", runs=1, warmup=0)
    session = time_networks([(arch, True), (arch, False)], asked, silent)
    assert [whole.shape for whole in session.wholes] == [(1,), (1,)]
    assert [laps.shape for laps in session.laps] == [(1, len(parts(arch)))]
    assert (session.laps[0] >= 0).all()


@settings(max_examples=60)
@given(archs())
def test_parts_say_what_work_they_do(arch: Arch) -> None:
    names = parts(arch)
    assert parts(arch.replace(name="other", drop_path=0.1, dropout=0.3)) == names
    assert parts(arch.replace(resolution=arch.resolution + 64)) != names
    assert parts(arch.replace(num_classes=arch.num_classes + 1))[:-1] == names[:-1]


@pytest.mark.parametrize("name", SPACES)
def test_the_networks_of_a_table_hold_every_part_of_a_space(name: str) -> None:
    space = shipped(name)
    chosen = covering(space, 1, seed=0)
    known = {part for arch in chosen for part in parts(arch)}
    assert len(chosen) < 120
    rng = random.Random(1)
    for _ in range(500):
        assert known.issuperset(parts(space.decode(space.sample(rng))))


def test_parts_are_covered_in_several_networks() -> None:
    chosen = covering(shipped("kernel_expand"), 3, seed=0)
    assert len({arch.key() for arch in chosen}) == len(chosen)
    counts = Counter(part for arch in chosen for part in set(parts(arch)))
    assert min(counts.values()) >= 3
    assert len(chosen) < 40


def test_every_resolution_is_covered() -> None:
    assert {arch.resolution for arch in covering(tiny_space(), 1, seed=0)} == {16, 20}


def test_what_slows_a_whole_round_is_taken_out() -> None:
    pace = np.random.default_rng(0).uniform(0.5, 2, size=40)
    corrected, found = without_drift([usual * pace for usual in (0.1, 0.5, 0.02)])
    assert np.allclose(found / found[0], pace / pace[0])
    assert np.allclose(np.array(corrected) / corrected[0], [[1.0], [5.0], [0.2]])


def test_a_table_sums_the_parts_and_is_plain_data(tmp_path: Path) -> None:
    names = parts(TINY)
    table = LatencyTable({name: 1e-3 * (i + 1) for i, name in enumerate(names)}, 1.1, {"a": 1})
    total = sum(1e-3 * (names.index(name) + 1) for name in names)
    assert table.latency(TINY) == pytest.approx(1.1 * total)
    write_table(table, tmp_path / "new" / "table.yaml")
    again = read_table(tmp_path / "new" / "table.yaml")
    assert again.latency(TINY) == pytest.approx(table.latency(TINY))
    assert again.about == {"a": 1}
    (tmp_path / "t.json").write_text('{"milliseconds": {"x": 2}}')
    assert read_table(tmp_path / "t.json").seconds == {"x": 0.002}
    with pytest.raises(UserError, match=r"table\.yaml holds no time of 'stem 224px .* --table"):
        again.latency(zoo("resnet50"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "no such file"),
        ("[1, 2]", "expected a latency table"),
        ("milliseconds: 3", "expected a latency table"),
        ("milliseconds: {a: -1}", "a: expected a number of at least 0, got -1"),
        ("milliseconds: {a: soon}", "a: expected a number"),
        ("{scale: .nan, milliseconds: {a: 1}}", "scale: expected a number"),
        ("milliseconds: {", "not YAML"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, text: str | None, words: str) -> None:
    path = tmp_path / "table.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UserError, match=words):
        read_table(path)


def test_a_table_knows_every_network_of_its_space() -> None:
    space = tiny_space()
    asked = TableSettings(contexts=1, networks=6)
    table, check = build_table(space, QUICK, asked, silent)
    rng = random.Random(3)
    for _ in range(100):
        assert table.latency(space.decode(space.sample(rng))) > 0
    assert check is not None
    assert len(check.measured) == len(check.predicted) == 6
    assert table.about["check"] == check.summary()
    assert table.about["device"] == device_facts(QUICK)["device"]
    assert table.about["settings"] == QUICK.spelt()
    alone, none = build_table(space, QUICK, TableSettings(contexts=1, networks=0), silent)
    assert none is None
    assert alone.seconds.keys() == table.seconds.keys()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"threads": 0}, "threads: expected at least 1"),
        ({"threads": 9999}, "threads: expected at most 1024"),
        ({"batch": 0}, "batch: expected at least 1"),
        ({"runs": 0}, "runs: expected at least 1"),
        ({"clock": "processor", "threads": 2, "device": "cpu"}, "clock: processor needs"),
    ],
)
def test_settings_that_make_no_sense_are_refused(fields: dict[str, object], words: str) -> None:
    with pytest.raises(UserError, match=words):
        LatencySettings(**fields)  # type: ignore[arg-type]


def test_cuda_is_refused_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="device: cuda was asked for"):
        LatencySettings(device="cuda")


def test_predicting_needs_no_framework() -> None:
    code = (
        "import sys, nas.latency.table, nas.latency.cover;"
        "sys.exit([m for m in ('torch', 'ray', 'pandas', 'optuna') if m in sys.modules] or 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
