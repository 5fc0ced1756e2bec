import dataclasses

import pytest

from nas.verbs.sweep import merge_map, plan_table
from scaling_search.grow.grid import make_grid
from scaling_search.grow.grid_points import GridSettings
from scaling_search.judge.separation import grids_at_phis, recommended
from search_spaces.errors import UserError
from search_spaces.zoo import zoo

B0 = zoo("efficientnet_b0")
GRID = GridSettings(phi=1, step=0.05, max=1.4, tolerance=0.1)


@pytest.fixture(scope="module")
def rows():
    return grids_at_phis(B0, GRID, phis=(1, 2))


def test_phi_one_under_ceil_is_what_is_known_of_it(rows):
    (row,) = (row for row in rows if row.phi == 1 and row.depth_rounding == "ceil")
    assert (row.grid.points, len(row.grid.candidates)) == (75, 46)
    assert row.papers_ratio == pytest.approx(2.57, abs=0.005)
    line = next(line for line in plan_table(rows).splitlines() if " ceil" in line)
    assert line.split() == ["1", "ceil", "75", "46", "4", "1.93–3.33×", "2.57×", line.split()[-1]]


def test_what_tells_more_apart_for_its_cost_is_recommended(rows):
    by_name = {(row.phi, row.depth_rounding): row.separation for row in rows}
    assert by_name[1, "ceil"] < by_name[1, "round"] < by_name[2, "round"]
    best = recommended(rows)
    assert (best.phi, best.depth_rounding) == (2, "round")
    assert plan_table(rows).endswith("phi=2 depth_rounding=round")


def test_the_grids_own_phi_is_among_the_rows():
    rows = grids_at_phis(B0, dataclasses.replace(GRID, phi=1.25), phis=(1,), roundings=("ceil",))
    assert [row.phi for row in rows] == [1, 1.25]


def test_a_constraint_that_leaves_nothing_says_so():
    with pytest.raises(UserError, match="needs a tolerance of"):
        grids_at_phis(B0, GridSettings(step=0.3, tolerance=0.01))


def test_the_merge_map_shows_every_point_once(rows):
    lines = merge_map(make_grid(B0, GRID)).splitlines()
    assert len(lines) == 46
    assert sum(line.count("(") for line in lines) == 75
    assert "2.57×  (1.2, 1.1, 1.15) = (1.25, 1.1, 1.15)" in "\n".join(lines)
