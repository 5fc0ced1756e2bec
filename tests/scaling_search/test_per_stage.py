import csv

import pytest

from nas.networks.cost import cost
from scaling_search.per_stage import run_per_stage, variants
from scaling_search.rule.compound import PAPER
from search_spaces.errors import UserError
from search_spaces.yaml_io import load_arch, read_about
from search_spaces.zoo import zoo
from synthetic import Surface, here, nowhere

UNIFORM = PAPER.multipliers(1).apply(zoo("efficientnet_b0"))


def test_variants_cost_what_the_uniform_network_costs():
    found = variants(UNIFORM, 10, within=0.05)
    assert len({arch.key() for arch in (UNIFORM, *found)}) == 11
    for arch in found:
        assert cost(arch).macs == pytest.approx(cost(UNIFORM).macs, rel=0.05)
        assert (arch.resolution, arch.stem, arch.head) == (
            UNIFORM.resolution,
            UNIFORM.stem,
            UNIFORM.head,
        )
    assert found == variants(UNIFORM, 10, within=0.05)
    assert found != variants(UNIFORM, 10, within=0.05, seed=1)


def test_other_networks_have_variants():
    for name in ("resnet50", "mobilenet_v1", "mobilenet_v3_large"):
        assert len(variants(zoo(name), 3)) == 3


def test_a_cost_that_none_can_keep_is_told():
    with pytest.raises(UserError, match=r"^per_stage: only \d of 3 variants"):
        variants(UNIFORM, 3, within=1e-9)


def test_the_uniform_network_races_its_variants(tmp_path):
    evaluator, networks = Surface(), (UNIFORM, *variants(UNIFORM, 4))
    answer = run_per_stage(networks, evaluator, tmp_path, here(evaluator))
    with (tmp_path / "per_stage.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["uniform"] for row in rows] == ["True"] + ["False"] * 4
    (winner,) = (row for row in rows if row["winner"] == "True")
    assert winner["key"] == load_arch(str(tmp_path / "per_stage.yaml")).key()
    assert read_about(tmp_path / "per_stage.yaml")["uniform_holds"] is answer.uniform_holds
    before = (tmp_path / "per_stage.jsonl").read_bytes()
    assert run_per_stage(networks, evaluator, tmp_path, nowhere).winner == answer.winner
    assert (tmp_path / "per_stage.jsonl").read_bytes() == before
