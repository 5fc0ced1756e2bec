"""What a network sees of an image: random crops in training, the centre in validation."""

import math
import pickle

import numpy as np
import pytest
from PIL import Image

from nas.data.dataset import square
from nas.training.transforms import EvalTransform, TrainTransform, random_crop
from pictures import picture

LOG = math.log(4 / 3)
PLAIN = {
    "side": 16,
    "mirror": False,
    "crop_scale": 1.0,
    "shift": 0.0,
    "policy": "none",
    "magnitude": 9.0,
    "colour_jitter": 0.0,
}
RICH = PLAIN | {
    "mirror": True,
    "crop_scale": 0.08,
    "shift": 0.1,
    "policy": "randaugment",
    "colour_jitter": 0.4,
}


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def smooth(width: int, height: int) -> Image.Image:
    return picture(5, 12, 12).resize((width, height), Image.Resampling.BICUBIC)


@pytest.mark.parametrize("size", [(100, 80), (80, 100), (33, 90), (16, 16), (500, 375)])
@pytest.mark.parametrize(("side", "crop_pct"), [(32, 0.875), (24, 1.0), (48, 0.95), (60, 0.882)])
def test_validation_resizes_the_shortest_side_and_cuts_the_centre_out(size, side, crop_pct):
    image = smooth(*size)
    shortest = math.floor(side / crop_pct)
    resized = [int(shortest * length / min(size)) for length in size]
    left, upper = (round((length - side) / 2) for length in resized)
    whole = image.resize(resized, Image.Resampling.BICUBIC)
    expected = np.asarray(whole.crop((left, upper, left + side, upper + side))).astype(int)
    found = EvalTransform(side=side, crop_pct=crop_pct)(image, rng())
    assert found.shape == (side, side, 3)
    assert found.dtype == np.uint8
    assert abs(found - expected).max() <= 2


def test_at_224_pixels_validation_sees_the_centre_of_256():
    assert EvalTransform(side=224, crop_pct=0.875).box((256, 256)) == (16, 16, 240, 240)


def test_random_crops_have_the_areas_and_ratios_asked_for():
    generator = rng()
    areas, ratios = [], []
    for _ in range(4000):
        left, upper, right, lower = random_crop((400, 300), 0.08, generator)
        assert 0 <= left < right <= 400
        assert 0 <= upper < lower <= 300
        areas.append((right - left) * (lower - upper) / (400 * 300))
        ratios.append((right - left) / (lower - upper))
    assert 0.078 < min(areas) < 0.1
    assert 0.95 < max(areas) <= 1
    assert min(ratios) > 0.75 * 0.98
    assert max(ratios) < 4 / 3 * 1.02
    # Crops that do not fit are drawn again: the mean is that of the areas and ratios that do.
    area, ratio = np.meshgrid(np.linspace(0.08, 1, 500), np.exp(np.linspace(-1, 1, 501) * LOG))
    fit = (area * 120_000 * ratio <= 400**2) & (area * 120_000 / ratio <= 300**2)
    assert np.mean(areas) == pytest.approx(area[fit].mean(), abs=0.02)


@pytest.mark.parametrize(("size", "box"), [((1000, 10), (493, 0, 506, 10))])
def test_a_strip_gives_its_centre_at_the_nearest_ratio(size, box):
    assert random_crop(size, 0.5, rng()) == box
    turned = random_crop(size[::-1], 0.5, rng())
    assert turned == (box[1], box[0], box[3], box[2])


def test_a_crop_of_one_is_the_centred_square():
    image = smooth(40, 25)
    found = TrainTransform(**PLAIN)(image, rng())
    assert (found == np.asarray(square(image, 16))).all()


@pytest.mark.parametrize("size", [(60, 50), (400, 300), (20, 14)])
def test_a_crop_is_the_part_of_the_image_resized(size):
    image = smooth(*size)
    for seed in range(5):
        box = random_crop(image.size, 0.3, rng(seed))
        expected = np.asarray(image.crop(box).resize((16, 16), Image.Resampling.BICUBIC))
        found = TrainTransform(**PLAIN | {"crop_scale": 0.3})(image, rng(seed))
        assert abs(found.astype(int) - expected).max() <= 2


def test_half_of_the_images_are_mirrored():
    image = picture(0, 16, 16)
    transform = TrainTransform(**PLAIN | {"mirror": True})
    pixels, turned = np.asarray(image), 0
    generator = rng()
    for _ in range(400):
        found = transform(image, generator)
        mirrored = (found == pixels[:, ::-1]).all()
        assert mirrored or (found == pixels).all()
        turned += int(mirrored)
    assert 160 < turned < 240


def test_a_shift_moves_by_up_to_its_fraction_and_repeats_edges():
    image = picture(0, 16, 16)
    transform = TrainTransform(**PLAIN | {"shift": 0.125})
    padded = np.pad(np.asarray(image), ((2, 2), (2, 2), (0, 0)), mode="edge")
    places = {(i, j): padded[i : i + 16, j : j + 16].tobytes() for i in range(5) for j in range(5)}
    generator = rng()
    found = {transform(image, generator).tobytes() for _ in range(400)}
    assert found == set(places.values())


def test_jitter_keeps_what_has_no_contrast_or_colour_within_its_factors():
    grey = Image.new("RGB", (16, 16), (100, 100, 100))
    transform = TrainTransform(**PLAIN | {"colour_jitter": 0.4})
    generator = rng()
    values = [transform(grey, generator)[0, 0] for _ in range(200)]
    assert all(len(set(value.tolist())) == 1 for value in values)
    lightness = [int(value[0]) for value in values]
    assert 59 <= min(lightness) < 70
    assert 130 < max(lightness) <= 141


def test_a_transform_is_a_function_of_image_and_seed_also_in_another_process():
    image = smooth(50, 40)
    for transform in (TrainTransform(**RICH), EvalTransform(side=16, crop_pct=0.875)):
        copy = pickle.loads(pickle.dumps(transform))
        assert copy == transform
        for seed in range(8):
            first = transform(image, rng(seed))
            assert first.shape == (16, 16, 3)
            assert first.dtype == np.uint8
            assert (first == copy(image, rng(seed))).all()
    rich = TrainTransform(**RICH)
    assert len({rich(image, rng(seed)).tobytes() for seed in range(8)}) == 8


@pytest.mark.parametrize("size", [(1, 1), (1, 200), (3, 2), (8, 8)])
def test_the_smallest_images_are_no_exception(size):
    image = smooth(*size)
    assert TrainTransform(**RICH)(image, rng()).shape == (16, 16, 3)
    assert EvalTransform(side=16, crop_pct=0.875)(image, rng()).shape == (16, 16, 3)
