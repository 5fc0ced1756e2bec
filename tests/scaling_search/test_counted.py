import math

import numpy as np
import pytest

from scaling_search.grow.ablation import ungrown
from scaling_search.grow.grid import make_grid
from scaling_search.grow.grid_points import GridSettings
from scaling_search.judge.counted import least_noise, validation_images
from scaling_search.judge.observations import directions_of, places_of
from scaling_search.judge.surface import Seen, fit_surface
from search_spaces.zoo import zoo

B0 = zoo("efficientnet_b0")


def test_accuracies_are_no_surer_than_one_image():
    assert least_noise([8 / 24] * 7 + [7 / 24], 24) == pytest.approx(math.sqrt(1 / 2) / 24)


def test_accuracies_that_differ_were_judged_on_as_many_images_that_differ():
    # Half of 3 of 24 images that one training has right and the other wrong.
    assert least_noise([12 / 24, 15 / 24], 24) == pytest.approx(math.sqrt(3 / 2) / 24)
    far, near = least_noise([0.4, 0.6], 1000), least_noise([0.50, 0.51], 1000)
    assert near < far < math.sqrt(0.25 / 1000), "less than with images of their own"


def test_nothing_is_less_sure_for_want_of_a_number_of_images():
    assert least_noise([0.5, 0.5], None) == 0
    assert least_noise([], 24) == 0
    assert validation_images({"surface": "synthetic"}) is None
    assert validation_images({"validation images": 24}) == 24


def test_a_surface_of_few_images_is_no_surer_than_they_are():
    grid = make_grid(B0, GridSettings())
    directions = directions_of(grid)
    places = places_of(grid, directions, [ungrown(B0, grid.rule)])[np.arange(40, 47)]
    accuracies = [[8 / 24]] * 6 + [[7 / 24]]
    assert fit_surface(Seen.of(places, accuracies), directions).noise < 0.02
    assert fit_surface(Seen.of(places, accuracies, 24), directions).noise > 0.0294
