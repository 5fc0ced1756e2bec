"""Training: that it learns, repeats exactly, and tells failure from slowness."""

import dataclasses
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from nas.data.dataset import Dataset, Kept, Labelled
from nas.training.augment import augment, normalise
from nas.training.fit import fit, validate
from nas.training.outcomes import TrainingFailed
from nas.training.recipe import Recipe, learning_rate, make_average, make_optimizer
from nas.training.rmsprop import RMSpropTF
from search_spaces.errors import UserError

CPU = torch.device("cpu")
EASY = Recipe(lr=0.4, batch_size=16, shift=0.0, flip=False)


def dataset(train: int = 64, val: int = 32, noise: bool = False) -> Dataset:
    """Dark and bright images of 8 px, told apart by any network; or labels without meaning."""
    generator = torch.Generator().manual_seed(0)

    def labelled(count: int) -> Labelled:
        labels = torch.arange(count) % 2
        images = torch.randint(0, 100, (count, 8, 8, 3), generator=generator)
        if not noise:
            images = images + 100 * labels[:, None, None, None]
        return Labelled(Kept(images.to(torch.uint8)), labels)

    return Dataset(
        2, 8, True, labelled(train), labelled(val), torch.full((3,), 100.0), torch.full((3,), 50.0)
    )


def network(dropout: float = 0.0) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, 2, bias=False),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(dropout),
        nn.Linear(4, 2),
    )


def train(model=None, data=None, recipe=EASY, epochs=4, seed=0, report=lambda *_: None):
    return fit(
        network() if model is None else model,
        dataset() if data is None else data,
        recipe,
        epochs=epochs,
        seed=seed,
        device=CPU,
        report=report,
    )


@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "rmsprop_tf"])
def test_learns_what_can_be_learnt(optimizer):
    lr = {"sgd": 0.4, "adamw": 0.2, "rmsprop_tf": 0.1}[optimizer]
    recipe = dataclasses.replace(EASY, optimizer=optimizer, lr=lr)
    assert train(recipe=recipe, epochs=6)[-1] == 1.0


def test_reports_each_epoch_as_it_ends():
    told: list[tuple[int, float]] = []
    curve = train(epochs=3, report=lambda epoch, accuracy: told.append((epoch, accuracy)))
    assert told == list(enumerate(curve))


def test_a_seed_repeats_and_another_differs():
    def weights(seed: int, disturbance: int) -> torch.Tensor:
        model = network(dropout=0.5)
        torch.manual_seed(disturbance)
        train(model, recipe=dataclasses.replace(EASY, shift=0.2, flip=True), seed=seed)
        return torch.cat([parameter.flatten() for parameter in model.parameters()])

    assert torch.equal(weights(1, 5), weights(1, 6))
    assert not torch.equal(weights(1, 5), weights(2, 5))


def test_leaves_torchs_generator_as_it_was():
    model = network(dropout=0.5)
    before = torch.get_rng_state()
    train(model)
    assert torch.equal(torch.get_rng_state(), before)


def test_divergence_is_failure_told_with_its_epoch():
    with pytest.raises(TrainingFailed, match=r"diverged: loss (nan|inf) at epoch \d of 4"):
        train(recipe=dataclasses.replace(EASY, lr=1e30))


def test_learning_nothing_is_failure_late_in_training():
    silent = dataclasses.replace(EASY, lr=1e-30)
    told: list[int] = []
    with pytest.raises(TrainingFailed, match=r"learnt nothing.* after 6 of 8 epochs"):
        train(
            data=dataset(128, 128, noise=True),
            recipe=silent,
            epochs=8,
            report=lambda epoch, _: told.append(epoch),
        )
    assert told == [0, 1, 2, 3, 4]


def test_a_short_training_may_end_at_chance():
    silent = dataclasses.replace(EASY, lr=1e-30)
    assert len(train(data=dataset(128, 128, noise=True), recipe=silent, epochs=1)) == 1


def test_a_moving_average_of_the_weights_is_what_validates():
    lagging = dataclasses.replace(EASY, lr=1e-30, ema=1 - 1e-9)
    model = network()
    before = validate(network(), dataset(), dataset().val, EASY)
    with torch.no_grad():
        averaged = make_average(lagging.ema, model)
        averaged.update_parameters(model)
        model[6].bias.copy_(torch.tensor([1e6, 0.0]))
    assert validate(averaged, dataset(), dataset().val, EASY) == before
    assert validate(model, dataset(), dataset().val, EASY) == 0.5
    assert train(recipe=dataclasses.replace(EASY, ema=0.5), epochs=6)[-1] == 1.0


def test_a_moving_average_warms_up_as_tensorflows():
    model = nn.Linear(1, 1, bias=False)
    averaged = make_average(0.9999, model)
    values = [1.0, 2.0, 5.0]
    for value in values:
        nn.init.constant_(model.weight, value)
        averaged.update_parameters(model)
    after_two = 2 / 11 * 1.0 + 9 / 11 * 2.0
    after_three = 3 / 12 * after_two + 9 / 12 * 5.0
    assert averaged.module.weight.item() == pytest.approx(after_three)


def test_weight_decay_spares_biases_and_batch_norm():
    decayed, free = make_optimizer(Recipe(weight_decay=0.1), network()).param_groups
    assert [p.ndim for p in decayed["params"]] == [4, 2]
    assert {p.ndim for p in free["params"]} == {1}
    assert (decayed["weight_decay"], free["weight_decay"]) == (0.1, 0.0)


def test_rmsprop_is_tensorflows():
    """By hand: v ← .9 v + .1 g², from 1; m ← .9 m + lr · g / √(v + ε); w ← w − m."""
    weight = nn.Parameter(torch.tensor([2.0]))
    optimizer = RMSpropTF([weight], lr=0.1)
    w, v, m = 2.0, 1.0, 0.0
    for _ in range(3):
        optimizer.zero_grad()
        (weight**2).sum().backward()
        optimizer.step()
        gradient = 2 * w
        v = 0.9 * v + 0.1 * gradient**2
        m = 0.9 * m + 0.1 * gradient / math.sqrt(v + 1e-3)
        w -= m
        assert weight.item() == pytest.approx(w, rel=1e-5)


class TestLearningRate:
    def test_grows_with_the_batch(self):
        recipe = Recipe(lr=0.1, warmup_epochs=0)
        assert learning_rate(recipe, 0, 10, 256) == pytest.approx(0.1)
        assert learning_rate(recipe, 0, 10, 64) == pytest.approx(0.025)

    @given(st.sampled_from(["cosine", "linear"]), st.integers(1, 400))
    def test_falls_to_zero(self, schedule, epochs):
        recipe = Recipe(lr=1.0, schedule=schedule, warmup_epochs=0)
        rates = [learning_rate(recipe, epoch, epochs, 256) for epoch in range(epochs + 1)]
        assert rates == sorted(rates, reverse=True)
        assert rates[-1] == pytest.approx(0, abs=1e-12)

    def test_of_the_paper(self):
        """× 0.97 every 2.4 epochs, in steps; 5 epochs of warm-up that overlap the decay."""
        paper = Recipe(lr=0.016, schedule="exponential", warmup_epochs=5)
        assert learning_rate(paper, 2.5, 350, 4096) == pytest.approx(0.128)
        assert learning_rate(paper, 5, 350, 4096) == pytest.approx(0.256 * 0.97**2)
        assert learning_rate(paper, 7.1, 350, 4096) == pytest.approx(0.256 * 0.97**2)
        assert learning_rate(paper, 7.2, 350, 4096) == pytest.approx(0.256 * 0.97**3)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("lr", 0.0),
        ("lr", float("nan")),
        ("batch_size", 0),
        ("ema", 1.0),
        ("momentum", 1.0),
        ("weight_decay", -1e-4),
        ("optimizer", "lion"),
        ("schedule", "staircase"),
    ],
)
def test_an_impossible_recipe_is_named(field, value):
    with pytest.raises(UserError, match=rf"^{field}: expected .*, got {value}"):
        Recipe(**{field: value})


class TestAugment:
    images = torch.arange(4 * 6 * 6 * 3).reshape(4, 6, 6, 3).remainder(251).to(torch.uint8)

    def test_without_shift_and_flip_nothing_changes(self):
        assert torch.equal(augment(self.images, 0.0, False, torch.Generator()), self.images)

    def test_a_flip_mirrors_left_and_right(self):
        flipped = augment(self.images, 0.0, True, torch.Generator().manual_seed(1))
        for before, after in zip(self.images, flipped, strict=True):
            assert torch.equal(after, before) or torch.equal(after, before.flip(1))
        assert not torch.equal(flipped, self.images)

    def test_a_shift_moves_the_whole_image_and_repeats_its_edge(self):
        image = torch.zeros(1, 6, 6, 3, dtype=torch.uint8)
        image[0, 3, 3] = 9
        places = set()
        for seed in range(50):
            moved = augment(image, 1 / 6, False, torch.Generator().manual_seed(seed))
            assert (moved == 9).sum() == 3
            places.add(tuple((moved[0, :, :, 0] == 9).nonzero()[0].tolist()))
        assert places == {(row, column) for row in (2, 3, 4) for column in (2, 3, 4)}

    def test_normalised_images_have_the_layout_convs_are_fast_in(self):
        batch = normalise(self.images, torch.zeros(3), torch.ones(3))
        assert batch.shape == (4, 3, 6, 6)
        assert batch.dtype == torch.float32
        assert batch.is_contiguous(memory_format=torch.channels_last)
