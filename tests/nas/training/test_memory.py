"""Trainings that run out of memory: begun anew from smaller parts of each batch, then failed."""

import dataclasses

import pytest
import torch
from torch import Tensor, nn

from nas.data.dataset import Dataset, Kept, Labelled
from nas.data.sources import Digits
from nas.evaluators.base import EvaluationFailed
from nas.networks.model import build
from nas.training.fit import fit
from nas.training.memory import is_out_of_memory, within_memory
from nas.training.recipe import Recipe
from quick import QUICK
from search_spaces.arch import Arch
from search_spaces.stage import Stage

SMALL = Arch(name="small", resolution=64, stages=(Stage(channels=32, stride=2, expand=2),))


class Ceiling(nn.Module):
    """Runs out of memory, as PyTorch does, with more than `most` images in training."""

    def __init__(self, most: int, kind: str = "cpu") -> None:
        super().__init__()
        self.most, self.kind = most, kind
        self.seen: list[int] = []

    def forward(self, images: Tensor) -> Tensor:
        if self.training:
            self.seen.append(len(images))
            if len(images) > self.most:
                run_out(self.kind)
        return images


def run_out(kind: str) -> None:
    if kind == "cpu":
        torch.empty(1 << 60, dtype=torch.uint8)
    if kind == "python":
        bytearray(1 << 60)
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nGPU 0 has …")


def ignore(epoch: int, accuracy: float) -> None:
    """Nobody listens."""


@pytest.fixture
def ceiling(monkeypatch):
    """Puts a ceiling over every network that a proxy trains from here on."""

    def put(most: int, kind: str = "cpu") -> list[Ceiling]:
        made: list[Ceiling] = []

        def build_under(arch: Arch) -> nn.Module:
            made.append(Ceiling(most, kind))
            return nn.Sequential(made[-1], build(arch))

        monkeypatch.setattr("nas.evaluators.proxy.build", build_under)
        return made

    return put


@pytest.mark.parametrize("kind", ["cpu", "python", "cuda"])
def test_each_kind_of_want_is_recognised(kind):
    with pytest.raises((RuntimeError, MemoryError)) as caught:
        run_out(kind)
    assert is_out_of_memory(caught.value)
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


@pytest.mark.parametrize("kind", ["cpu", "python", "cuda"])
def test_a_training_that_does_not_fit_is_begun_anew_from_halves_of_its_batch(ceiling, kind):
    made = ceiling(most=10, kind=kind)
    measured = QUICK.evaluate(SMALL, 0, ignore)
    assert [each.seen[0] for each in made] == [32, 16, 8]
    assert set(made[-1].seen) == {8}
    assert measured.note.split("; ")[0] == "for want of memory, batches of 32 in 4 parts"
    assert len(measured.curve) == QUICK.epochs
    ceiling(most=10, kind=kind)
    assert QUICK.evaluate(SMALL, 0, ignore) == measured


def test_what_fits_is_trained_as_it_was_and_says_nothing(ceiling):
    plain = QUICK.evaluate(SMALL, 0, ignore)
    assert plain.note == ""
    ceiling(most=32)
    assert QUICK.evaluate(SMALL, 0, ignore) == plain


def test_parts_too_small_for_batch_normalisation_are_not_tried(ceiling):
    made = ceiling(most=4)
    with pytest.raises(
        EvaluationFailed, match=r"^out of memory with 8 of its batch's 32 images at a time: .*alloc"
    ):
        QUICK.evaluate(SMALL, 0, ignore)
    assert [each.seen for each in made] == [[32], [16], [8]]


def test_other_errors_are_not_taken_for_want_of_memory():
    def broken(parts: int) -> None:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        within_memory(broken, 32)


@pytest.mark.parametrize("parts", [2, 3])
def test_without_batch_normalisation_parts_change_nothing(parts):
    """Gradients of parts add up to the batch's: the same weights but for the last digits."""
    recipe = Recipe(lr=0.4, batch_size=16, shift=0.2, flip=True, ema=0.5, label_smoothing=0.1)

    def trained(parts: int) -> tuple[tuple[float, ...], Tensor]:
        torch.manual_seed(0)
        model = nn.Sequential(
            nn.Conv2d(3, 4, 3, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)
        )
        curve = fit(
            model,
            dataset(),
            recipe,
            epochs=3,
            seed=0,
            device=torch.device("cpu"),
            report=ignore,
            parts=parts,
        )
        return curve, torch.cat([parameter.flatten() for parameter in model.parameters()])

    whole, weights = trained(1)
    split, same = trained(parts)
    assert split == whole
    torch.testing.assert_close(same, weights, rtol=1e-4, atol=1e-6)


def test_with_batch_normalisation_parts_learn_about_as_well(ceiling):
    longer = dataclasses.replace(QUICK, data=Digits(), epochs=3)
    whole = longer.evaluate(SMALL, 0, ignore).accuracy
    ceiling(most=16)
    assert longer.evaluate(SMALL, 0, ignore).accuracy == pytest.approx(whole, abs=0.05)


def dataset() -> Dataset:
    """Dark and bright images of 8 px."""
    labels = torch.arange(64) % 2
    images = torch.randint(0, 100, (64, 8, 8, 3), generator=torch.Generator().manual_seed(0))
    images = (images + 100 * labels[:, None, None, None]).to(torch.uint8)
    half = Labelled(Kept(images[:32]), labels[:32])
    rest = Labelled(Kept(images[32:]), labels[32:])
    return Dataset(2, 8, True, half, rest, torch.full((3,), 100.0), torch.full((3,), 50.0))
