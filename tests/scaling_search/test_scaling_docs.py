"""The figures of docs/measured/scaling-other-networks.md, worked out again."""

from pathlib import Path

import pytest

from nas.networks.cost import cost
from scaling_search.grow.ablation import ablate
from scaling_search.rule.compound import PAPER
from search_spaces.scaling import scale
from search_spaces.zoo import zoo

PAGE = Path(__file__).parents[2] / "docs" / "measured" / "scaling-other-networks.md"

# arXiv 1905.11946, Tables 3 and 7: depth, width, resolution, and billions of "FLOPs".
COMPOUND = (1.4, 1.2, 1.3)
PUBLISHED = {
    "mobilenet_v1": {(1, 1, 1): 0.6, (1, 2, 1): 2.2, (1, 1, 2): 2.2, COMPOUND: 2.3},
    "mobilenet_v2": {(1, 1, 1): 0.3, (4, 1, 1): 1.2, (1, 2, 1): 1.1, (1, 1, 2): 1.2, COMPOUND: 1.3},
    "resnet50": {(1, 1, 1): 4.1, (4, 1, 1): 16.2, (1, 2, 1): 14.7, (1, 1, 2): 16.4, COMPOUND: 16.7},
    "efficientnet_b0": {
        (1, 1, 1): 0.4,
        (4, 1, 1): 1.8,
        (1, 2, 1): 1.8,
        (1, 1, 2): 1.9,
        COMPOUND: 1.8,
    },
}


def rows() -> list[list[str]]:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    return [[c.strip() for c in line.strip("|").split("|")] for line in lines if "| `" in line]


def macs(name: str, depth: str, width: str, pixels: str) -> float:
    size, _, factor = pixels.partition(" × ")
    unrounded = float(factor or 1) ** 2
    return cost(scale(zoo(name), float(depth), float(width), int(size))).macs * unrounded


@pytest.mark.parametrize("row", rows(), ids=" ".join)
def test_a_row_says_what_the_network_costs(row: list[str]) -> None:
    name, depth, width, pixels, printed, paper, *difference = row
    found = macs(name.strip("`"), depth, width, pixels)
    assert printed == f"{found:,.0f}"
    if difference:
        shown, _, note = difference[0].partition(" % ")
        off = found / 1e9 / float(paper.removesuffix("B")) - 1
        assert shown.removesuffix(" %").replace("−", "-") == f"{100 * off:+.1f}"
        assert bool(note) == (abs(off) > 0.05)
        if note:
            assert f"**{note} " in PAGE.read_text(encoding="utf-8")


def test_every_row_of_the_papers_tables_is_there() -> None:
    published = [
        (f"`{name}`", f"{d:g}", f"{w:g}", f"{round(224 * r)}", f"{billions}B")
        for name, table in PUBLISHED.items()
        for (d, w, r), billions in table.items()
    ]
    assert [(*row[:4], row[5]) for row in rows() if len(row) == 7] == published


def test_the_explanations_figures_hold() -> None:
    resnet = zoo("resnet50")
    depth, width = (cost(scale(resnet, d, w, 224)).macs for d, w in ((4, 1), (1, 2)))
    assert f"{depth / 14.7e9 - 1:.1%} {width / 16.2e9 - 1:.1%}" == "-0.9% -0.5%"
    assert f"{depth / cost(resnet).macs:.2f} {16.2 / 4.1:.2f}" == "3.56 3.95"
    assert f"{cost(scale(resnet, 1.4, 1.21, 302)).macs / 1e9:.1f}" == "16.6"
    b0 = zoo("efficientnet_b0")
    found = {(n.kind, n.target_ratio): n.multipliers for n in ablate(b0, [4.67, 4.92], PAPER)}
    assert found["depth", 4.67]["depth"] == 4.3
    assert round(found["width", 4.67]["width"], 1) == 2.2
    assert round(found["resolution", 4.92]["resolution"], 1) == 2.2
