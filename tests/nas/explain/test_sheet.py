"""Sheets of maps: where the heat is, and pictures of any shape."""

import numpy as np
import pytest
import torch
from PIL import Image

from nas.explain.overlay import heat, overlaid
from nas.explain.sheet import SIDE, Cell, sheet

GREY = Image.new("RGB", (80, 80), (128, 128, 128))


def test_heat_is_the_map_between_none_and_most() -> None:
    found = heat(torch.tensor([[4.0, -8.0], [0.0, 2.0]]), 64)
    assert found.shape == (64, 64)
    assert float(found[0, 0]) == 1
    assert float(found[0, -1]) == 0
    assert float(found[-1, -1]) == pytest.approx(0.5)
    # Halfway between the centres of two places lies the mean of both.
    assert float(found[0, 31:33].mean()) == pytest.approx(0.5)


def test_a_map_that_speaks_against_its_class_everywhere_leaves_the_image() -> None:
    assert np.array_equal(np.asarray(overlaid(GREY, -torch.ones(3, 3))), np.asarray(GREY))


def test_the_image_is_coloured_where_the_map_is_high() -> None:
    changed = np.asarray(overlaid(GREY, torch.tensor([[0.0, 0.0], [0.0, 1.0]]))) != 128
    assert not changed[:20, :20].any()
    assert changed[60:, 60:].any(axis=2).all()


@pytest.mark.parametrize("size", [(224, 224), (4000, 3), (3, 4000), (1, 1), (300, 200)])
def test_pictures_of_any_shape_fit(size: tuple[int, int]) -> None:
    picture = Image.new("RGB", size, (255, 0, 0))
    page = np.asarray(sheet(["image", "b0"], [[Cell(picture, ("a.png",)), Cell(GREY, ("x", "y"))]]))
    red = (page == (255, 0, 0)).all(axis=2)
    rows, columns = red.any(axis=1).sum(), red.any(axis=0).sum()
    assert max(rows, columns) == SIDE
    assert min(rows, columns) >= 1
    assert columns / rows == pytest.approx(size[0] / size[1], rel=0.02) or min(rows, columns) == 1


def test_a_long_name_stays_in_its_column() -> None:
    short = sheet(["a"], [[Cell(GREY, ("b",))]])
    long = sheet(["a" * 500], [[Cell(GREY, ("字" * 500,))]])
    assert short.size == long.size


def test_a_sheet_has_a_row_an_image_and_a_column_a_network() -> None:
    one = sheet(["image", "b0"], [[Cell(GREY), Cell(GREY)]])
    more = sheet(["image", "b0", "b1"], [[Cell(GREY)] * 3] * 4)
    assert more.width - one.width == SIDE + 10
    assert more.height - one.height == 3 * (SIDE + 10)
