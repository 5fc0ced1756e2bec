"""Policies of augmentation are the papers': their tables, their magnitudes, their chances."""

import pickle
from collections import Counter

import numpy as np
import pytest

from nas.training import policies
from nas.training.policies import (
    CIFAR,
    IMAGENET,
    RANDAUGMENT,
    AutoAugment,
    RandAugment,
    Step,
    autoaugment_amount,
    make_policy,
    randaugment_amount,
)
from pictures import picture

TABLE_9 = """
    Posterize 0.4 8 Rotate 0.6 9      | Solarize 0.6 5 AutoContrast 0.6 5
    Equalize 0.8 8 Equalize 0.6 3     | Posterize 0.6 7 Posterize 0.6 6
    Equalize 0.4 7 Solarize 0.2 4     | Equalize 0.4 4 Rotate 0.8 8
    Solarize 0.6 3 Equalize 0.6 7     | Posterize 0.8 5 Equalize 1.0 2
    Rotate 0.2 3 Solarize 0.6 8       | Equalize 0.6 8 Posterize 0.4 6
    Rotate 0.8 8 Color 0.4 0          | Rotate 0.4 9 Equalize 0.6 2
    Equalize 0.0 7 Equalize 0.8 8     | Invert 0.6 4 Equalize 1.0 8
    Color 0.6 4 Contrast 1.0 8        | Rotate 0.8 8 Color 1.0 2
    Color 0.8 8 Solarize 0.8 7        | Sharpness 0.4 7 Invert 0.6 8
    ShearX 0.6 5 Equalize 1.0 9       | Color 0.4 0 Equalize 0.6 3
    Equalize 0.4 7 Solarize 0.2 4     | Solarize 0.6 5 AutoContrast 0.6 5
    Invert 0.6 4 Equalize 1.0 8       | Color 0.6 4 Contrast 1.0 8
    Equalize 0.8 8 Equalize 0.6 3
"""
TABLE_7 = """
    Invert 0.1 7 Contrast 0.2 6       | Rotate 0.7 2 TranslateX 0.3 9
    Sharpness 0.8 1 Sharpness 0.9 3   | ShearY 0.5 8 TranslateY 0.7 9
    AutoContrast 0.5 8 Equalize 0.9 2 | ShearY 0.2 7 Posterize 0.3 7
    Color 0.4 3 Brightness 0.6 7      | Sharpness 0.3 9 Brightness 0.7 9
    Equalize 0.6 5 Equalize 0.5 1     | Contrast 0.6 7 Sharpness 0.6 5
    Color 0.7 7 TranslateX 0.5 8      | Equalize 0.3 7 AutoContrast 0.4 8
    TranslateY 0.4 3 Sharpness 0.2 6  | Brightness 0.9 6 Color 0.2 8
    Solarize 0.5 2 Invert 0.0 3       | Equalize 0.2 0 AutoContrast 0.6 0
    Equalize 0.2 8 Equalize 0.6 4     | Color 0.9 9 Equalize 0.6 6
    AutoContrast 0.8 4 Solarize 0.2 8 | Brightness 0.1 3 Color 0.7 0
    Solarize 0.4 5 AutoContrast 0.9 3 | TranslateY 0.9 9 TranslateY 0.7 9
    AutoContrast 0.9 2 Solarize 0.8 3 | Equalize 0.8 8 Invert 0.1 3
    TranslateY 0.7 9 AutoContrast 0.9 1
"""


def table(text: str) -> list[tuple[str, float, float]]:
    """The steps of a table as the paper prints it, in its order."""
    words = text.replace("|", " ").split()
    names = [name.lower() for name in words[::3]]
    return list(zip(names, map(float, words[1::3]), map(float, words[2::3]), strict=True))


@pytest.mark.parametrize(("ours", "paper"), [(IMAGENET, TABLE_9), (CIFAR, TABLE_7)])
def test_autoaugments_25_sub_policies_are_the_papers(ours, paper):
    assert len(ours) == 25
    steps = [step for pair in ours for step in pair]
    found = [(step.operation.replace("_", ""), step.chance, step.level) for step in steps]
    assert found == table(paper)


TABLE_6 = {
    "shear_x": (0.0, 0.3),
    "shear_y": (0.0, 0.3),
    "translate_x": (0.0, 150 / 331),
    "translate_y": (0.0, 150 / 331),
    "rotate": (0.0, 30.0),
    "solarize": (0.0, 256.0),
    "posterize": (4.0, 8.0),
    "contrast": (0.1, 1.9),
    "color": (0.1, 1.9),
    "brightness": (0.1, 1.9),
    "sharpness": (0.1, 1.9),
}
SIGNED = ("shear_x", "shear_y", "translate_x", "translate_y", "rotate")


@pytest.mark.parametrize("operation", TABLE_6)
def test_autoaugments_levels_cover_the_ranges_of_table_6_evenly(operation):
    low, high = TABLE_6[operation]
    for level in range(11):
        expected = low + (high - low) * level / 10
        assert autoaugment_amount(operation, level, 1) == pytest.approx(expected)
        mirrored = -expected if operation in SIGNED else expected
        assert autoaugment_amount(operation, level, -1) == pytest.approx(mirrored)


def test_randaugment_draws_from_the_papers_fourteen_operations():
    paper = (
        "identity autoContrast equalize rotate solarize color posterize contrast brightness "
        "sharpness shear-x shear-y translate-x translate-y"
    )
    assert [name.replace("_", "-") for name in RANDAUGMENT] == paper.lower().split()


@pytest.mark.parametrize(("magnitude", "sign"), [(0, 1), (3, -1), (9, 1), (10, -1), (4.5, 1)])
def test_randaugments_magnitude_is_a_strength(magnitude, sign):
    share = magnitude / 10
    expected = {
        "solarize": 256 * (1 - share),
        "posterize": 8 - 4 * share,
        **dict.fromkeys(("color", "contrast", "brightness", "sharpness"), 1 + sign * 0.9 * share),
        **{operation: sign * share * TABLE_6[operation][1] for operation in SIGNED},
    }
    for operation, amount in expected.items():
        assert randaugment_amount(operation, magnitude, sign) == pytest.approx(amount)


@pytest.mark.parametrize("name", ["autoaugment", "autoaugment_cifar", "randaugment"])
def test_a_seed_gives_the_same_image_and_another_seed_another(name):
    policy, image = make_policy(name, 9), picture(0)
    assert policy is not None
    copy = pickle.loads(pickle.dumps(policy))
    first = [policy(image, np.random.default_rng(seed)).tobytes() for seed in range(12)]
    again = [copy(image, np.random.default_rng(seed)).tobytes() for seed in range(12)]
    assert first == again
    assert len(set(first)) > 6


def test_randaugment_of_magnitude_zero_leaves_the_histogram_to_two_operations_alone():
    image, seen = picture(0), set()
    for seed in range(60):
        changed = RandAugment(0.0, layers=1)(image, np.random.default_rng(seed))
        seen.add(changed.tobytes())
    # The image, the image equalized, and the image with its contrast stretched.
    assert len(seen) <= 3


def test_no_policy_is_none():
    assert make_policy("none", 9) is None


def test_each_step_is_done_as_often_as_its_chance_says(monkeypatch):
    done: Counter[str] = Counter()

    def counting(name):
        return lambda image, amount: (done.update([f"{name} {amount:g}"]), image)[1]

    names = ("rotate", "color")
    monkeypatch.setattr(policies, "OPERATIONS", {name: counting(name) for name in names})
    policy = AutoAugment(((Step("rotate", 0.25, 5), Step("color", 1.0, 0)),))
    rng = np.random.default_rng(0)
    for _ in range(2000):
        policy(picture(0), rng)
    assert done["color 0.1"] == 2000
    assert 440 < done["rotate 15"] + done["rotate -15"] < 560
    assert 190 < done["rotate 15"] < 310


def test_every_sub_policy_has_the_same_chance(monkeypatch):
    done: Counter[float] = Counter()
    record = {"rotate": lambda image, amount: (done.update([abs(amount)]), image)[1]}
    monkeypatch.setattr(policies, "OPERATIONS", record)
    policy = AutoAugment(tuple((Step("rotate", 1, i), Step("rotate", 0, 0)) for i in range(1, 6)))
    rng = np.random.default_rng(0)
    for _ in range(2000):
        policy(picture(0), rng)
    assert len(done) == 5
    assert all(330 < count < 470 for count in done.values())
