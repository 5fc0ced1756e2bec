"""Proxy accuracy: which network is trained in place of another, and that it repeats exactly."""

import dataclasses
import pickle

import pytest

import quick
from nas.data.folders import ImageFolder
from nas.data.sources import Digits
from nas.evaluators.base import EvaluationFailed
from nas.evaluators.proxy import ProxyEvaluator, derive_seed
from nas.networks.cost import cost
from nas.training.recipe import Recipe
from quick import SMALL
from search_spaces.errors import UserError
from search_spaces.scaling import scale
from search_spaces.zoo import zoo
from toy import prepare

QUICK = dataclasses.replace(quick.QUICK, epochs=3)


def ignore(epoch: int, accuracy: float) -> None:
    """Nobody listens."""


def test_the_proxy_is_the_architecture_scaled_by_the_rule_that_scales_up():
    b0 = zoo("efficientnet_b0")
    evaluator = ProxyEvaluator(width=0.25, depth=0.5, resolution=40, divisor=4)
    expected = scale(b0, 0.5, 0.25, 40, divisor=4)
    slim = evaluator.proxy(b0)
    assert slim.stages == expected.stages
    assert (slim.stem, slim.head, slim.resolution) == (expected.stem, expected.head, 40)
    assert slim.num_classes == 10
    assert (slim.dropout, slim.drop_path, slim.batch_norm.momentum) == (0, 0, 0.1)


def test_a_larger_input_is_a_larger_proxy_input():
    evaluator = ProxyEvaluator(resolution=40, base_resolution=224)
    b0 = zoo("efficientnet_b0")
    sides = [evaluator.proxy(b0.replace(resolution=r)).resolution for r in (224, 240, 258, 300)]
    assert sides == [40, 43, 46, 54]


def test_the_default_proxy_costs_thousands_of_times_less_than_b0():
    b0 = zoo("efficientnet_b0")
    assert cost(ProxyEvaluator().proxy(b0)).macs < cost(b0).macs / 500


def test_accuracy_is_the_last_epochs_and_learns_something():
    told: list[float] = []
    measured = QUICK.evaluate(SMALL, 0, lambda epoch, accuracy: told.append(accuracy))
    assert measured.accuracy == measured.curve[-1] == told[-1]
    assert len(measured.curve) == QUICK.epochs
    assert measured.accuracy > 0.2


def test_the_same_architecture_and_seed_repeat_exactly():
    first = QUICK.evaluate(SMALL, 3, ignore)
    other = pickle.loads(pickle.dumps(QUICK))
    assert other.evaluate(SMALL.replace(name="renamed"), 3, ignore) == first
    assert QUICK.evaluate(SMALL, 4, ignore).curve != first.curve


def test_images_that_another_process_read_train_alike():
    key = QUICK.data_key(SMALL)
    assert key == QUICK.proxy(SMALL).resolution
    shared = pickle.loads(pickle.dumps(QUICK.load_data(key)))
    elsewhere = dataclasses.replace(QUICK, data=ImageFolder(name="x", path="/not/on/this/node"))
    given = elsewhere.with_data(shared)
    assert given.evaluate(SMALL, 0, ignore) == QUICK.evaluate(SMALL, 0, ignore)


def test_images_beyond_the_memory_allowed_are_not_shared():
    assert dataclasses.replace(QUICK, data=Digits(memory=0.0)).data_key(SMALL) is None


def test_each_architecture_and_seed_trains_with_a_seed_of_its_own():
    other = SMALL.replace(activation="relu")
    seeds = {derive_seed(seed, arch) for arch in (SMALL, other) for seed in range(10)}
    assert len(seeds) == 20


def test_what_diverges_fails():
    wild = dataclasses.replace(QUICK, recipe=Recipe(lr=1e30))
    with pytest.raises(EvaluationFailed, match="diverged"):
        wild.evaluate(SMALL, 0, ignore)


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_chance_is_recognised_after_any_number_of_epochs(epochs):
    still = dataclasses.replace(QUICK, recipe=Recipe(lr=1e-30), epochs=epochs)
    note = still.evaluate(SMALL, 0, ignore).note
    assert note == "cannot be told from chance"


def test_what_has_learnt_is_not_taken_for_chance():
    longer = dataclasses.replace(QUICK, data=Digits(), epochs=3)
    assert longer.evaluate(SMALL, 0, ignore).note == ""


def test_says_what_the_accuracy_is_of():
    about = QUICK.describe()
    assert about["dataset"] == "digits"
    assert about["training images"] + about["validation images"] == 300
    assert (about["resolution"], about["width"], about["epochs"]) == (12, 0.25, 3)


def test_a_proxy_too_small_for_the_strides_is_told_how():
    evaluator = dataclasses.replace(QUICK, resolution=16, base_resolution=224)
    with pytest.raises(UserError, match=r"16 px.*vanishes"):
        evaluator.proxy(zoo("efficientnet_b0"))


@pytest.mark.parametrize(
    ("field", "value", "least"),
    [
        ("epochs", 0, "at least 1"),
        ("resolution", 0, "at least 1"),
        ("threads", 0, "at least 1"),
        ("threads", 9999, "at most 1024"),
        ("divisor", -1, "at least 1"),
        ("width", -1.0, "above 0"),
        ("depth", float("inf"), "above 0"),
    ],
)
def test_impossible_settings_are_named(field, value, least):
    with pytest.raises(UserError, match=rf"^{field}: expected {least}, got {value}"):
        ProxyEvaluator(**{field: value})


def test_a_device_that_is_not_there_is_told_before_anything_trains():
    for device in ("cuda:99", "abacus"):
        with pytest.raises(UserError, match=rf"evaluator\.device: cannot use {device}"):
            prepare(dataclasses.replace(QUICK, device=device))


def test_data_that_is_not_there_is_told_before_anything_trains(tmp_path):
    source = ImageFolder(name="x", path=str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match="no such file or folder"):
        prepare(dataclasses.replace(QUICK, data=source))
