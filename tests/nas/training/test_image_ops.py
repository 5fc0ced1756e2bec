"""Operations on images do what their formulas say, pixel by pixel."""

import numpy as np
import pytest
from PIL import Image

from nas.training.image_ops import FILL, OPERATIONS
from pictures import picture

LUMA = np.array([299, 587, 114]) / 1000
"""ITU-R 601-2, Pillow's grey"""


def after(operation: str, amount: float, image: Image.Image) -> np.ndarray:
    changed = OPERATIONS[operation](image, amount)
    assert (changed.mode, changed.size) == ("RGB", image.size)
    return np.asarray(changed).astype(float)


@pytest.fixture
def image() -> Image.Image:
    return picture(0)


@pytest.fixture
def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image).astype(float)


def test_inverting_is_255_minus_each_value(image, pixels):
    assert (after("invert", 0, image) == 255 - pixels).all()


def test_solarizing_inverts_from_the_threshold_on(image, pixels):
    assert (after("solarize", 100, image) == np.where(pixels < 100, pixels, 255 - pixels)).all()
    assert (after("solarize", 256, image) == pixels).all()
    assert (after("solarize", 0, image) == 255 - pixels).all()


def test_posterizing_keeps_the_highest_bits(image, pixels):
    assert (after("posterize", 3, image) == pixels // 32 * 32).all()
    assert (after("posterize", 8, image) == pixels).all()


def test_brightness_multiplies_and_stops_at_255(image, pixels):
    assert abs(after("brightness", 1.5, image) - (1.5 * pixels).clip(0, 255)).max() <= 1
    assert after("brightness", 0, image).max() == 0


def test_colour_mixes_with_the_grey_of_each_pixel(image, pixels):
    grey = (pixels @ LUMA)[..., None]
    for factor in (0.0, 0.4, 1.9):
        expected = (grey + factor * (pixels - grey)).clip(0, 255)
        assert abs(after("color", factor, image) - expected).max() <= 2


def test_contrast_mixes_with_the_grey_of_the_whole_image(image, pixels):
    grey = round((pixels @ LUMA).mean())
    for factor in (0.0, 0.4, 1.9):
        expected = (grey + factor * (pixels - grey)).clip(0, 255)
        assert abs(after("contrast", factor, image) - expected).max() <= 2


def test_sharpness_mixes_with_a_smoothed_image(image, pixels):
    inner = pixels[1:-1, 1:-1]
    around = sum(
        pixels[1 + i : 29 + i, 1 + j : 19 + j] * (5 if i == j == 0 else 1)
        for i in (-1, 0, 1)
        for j in (-1, 0, 1)
    )
    smooth = around / 13
    for factor in (0.0, 1.9):
        expected = (smooth + factor * (inner - smooth)).clip(0, 255)
        assert abs(after("sharpness", factor, image)[1:-1, 1:-1] - expected).max() <= 2


def test_autocontrast_stretches_each_channel():
    ramp = np.stack([np.linspace(50, 100, 64), np.linspace(0, 255, 64), np.full(64, 9)], -1)
    given = ramp.round().astype(np.uint8)[None].repeat(2, 0)
    found = after("autocontrast", 0, Image.fromarray(given))
    expected = (given[..., 0].astype(float) - 50) * 255 / 50
    assert abs(found[..., 0] - expected).max() <= 1
    assert (found[..., 1:] == given[..., 1:]).all()


def test_equalizing_makes_a_histogram_even():
    dark = (255 * np.linspace(0, 1, 4096) ** 3).astype(np.uint8).reshape(64, 64)
    found = after("equalize", 0, Image.fromarray(np.stack([dark] * 3, -1)))
    ranks = np.searchsorted(np.sort(dark.ravel()), dark) * 255 / 4096
    assert abs(found[..., 0] - ranks).max() <= 2


@pytest.mark.parametrize(("fraction", "moved"), [(0.2, 4), (-0.2, -4)])
def test_translation_is_a_fraction_of_the_side_and_leaves_grey(fraction, moved, image, pixels):
    found = after("translate_x", fraction, image)
    kept = slice(0, 20 - moved) if moved > 0 else slice(-moved, 20)
    source = slice(moved, 20) if moved > 0 else slice(0, 20 + moved)
    assert (found[:, kept] == pixels[:, source]).all()
    left = np.delete(found, np.arange(20)[kept], axis=1)
    assert (left == FILL).all()
    turned = image.transpose(Image.Transpose.TRANSPOSE)
    assert (after("translate_y", fraction, turned) == found.swapaxes(0, 1)).all()


@pytest.mark.parametrize("slope", [0.5, 1.0])
def test_shear_moves_each_row_by_its_number(slope, image, pixels):
    found = after("shear_x", slope, image)
    for row in range(8):
        # From centre to centre of a pixel.
        moved = int((row + 0.5) * slope + 0.5)
        assert (found[row, : 20 - moved] == pixels[row, moved:]).all()
        assert (found[row, 20 - moved :] == FILL).all()
    turned = image.transpose(Image.Transpose.TRANSPOSE)
    assert (after("shear_y", slope, turned) == found.swapaxes(0, 1)).all()


def test_a_right_angle_turns_a_square_exactly():
    square = picture(3, 16, 16)
    assert (after("rotate", 90, square) == np.rot90(np.asarray(square))).all()
    corners = after("rotate", 45, square)[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert (corners == FILL).all()


@pytest.mark.parametrize(
    ("operation", "amount"),
    [
        *(("identity", 7), ("rotate", 0), ("shear_x", 0), ("shear_y", 0)),
        *(("translate_x", 0), ("translate_y", 0), ("posterize", 8), ("solarize", 256)),
        *(("color", 1), ("contrast", 1), ("brightness", 1), ("sharpness", 1)),
    ],
)
def test_an_amount_of_nothing_changes_nothing(operation, amount, image, pixels):
    assert (after(operation, amount, image) == pixels).all()
