"""Mixed batches: what becomes of an image becomes of its label."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from nas.training.mixing import erase, mix, soft_targets

CLASSES = 5
OFF = {"mixup": 0.0, "cutmix": 0.0, "smoothing": 0.0}


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def batch() -> tuple[torch.Tensor, torch.Tensor]:
    """Images that are their own number everywhere, and their labels."""
    numbers = torch.arange(6.0)
    return numbers[:, None, None, None].expand(6, 3, 20, 24).clone(), torch.arange(6) % CLASSES


def test_without_mixing_the_targets_are_the_smoothed_labels(batch):
    images, labels = batch
    found, targets = mix(images, labels, CLASSES, **OFF | {"smoothing": 0.1}, generator=seeded(0))
    assert found is images
    expected = torch.full((6, CLASSES), 0.02)
    expected[torch.arange(6), labels] = 0.92
    assert torch.allclose(targets, expected)


def test_smoothed_targets_give_the_loss_that_torch_gives():
    logits, labels = torch.randn(8, CLASSES, generator=seeded(1)), torch.arange(8) % CLASSES
    ours = F.cross_entropy(logits, soft_targets(labels, CLASSES, 0.1))
    assert ours == pytest.approx(F.cross_entropy(logits, labels, label_smoothing=0.1).item())


def test_mixup_mixes_images_and_labels_by_the_same_share(batch):
    images, labels = batch
    for seed in range(20):
        found, targets = mix(
            images, labels, CLASSES, **OFF | {"mixup": 1.0}, generator=seeded(seed)
        )
        # The first image is 0 and its partner 5: its value is what it has of the other.
        other = found[0, 0, 0, 0].item() / 5
        own, partner = F.one_hot(labels[0], CLASSES), F.one_hot(labels[-1], CLASSES)
        assert torch.allclose(targets[0], own * (1 - other) + partner * other, atol=1e-6)
        assert torch.allclose(found, images * (1 - other) + images.flip(0) * other, atol=1e-5)
        assert torch.allclose(targets.sum(1), torch.ones(6))


def test_cutmix_pastes_a_box_and_counts_its_pixels(batch):
    images, labels = batch
    cut = 0
    for seed in range(40):
        found, targets = mix(images, labels, 6, **OFF | {"cutmix": 1.0}, generator=seeded(seed))
        pasted = found[0, 0] == 5
        assert ((found[0] == 5) | (found[0] == 0)).all()
        rows, columns = torch.nonzero(pasted, as_tuple=True)
        if len(rows):
            cut += 1
            box = (rows.max() - rows.min() + 1) * (columns.max() - columns.min() + 1)
            assert box == pasted.sum()
        share = pasted.float().mean()
        assert (found[3, 1] == 2).sum() == pasted.sum()
        one_hot = F.one_hot(labels, 6).float()
        assert torch.allclose(targets, one_hot * (1 - share) + one_hot.flip(0) * share, atol=1e-6)
    assert cut > 30


@pytest.mark.parametrize("alpha", [0.2, 1.0])
def test_shares_are_of_a_beta_distribution(batch, alpha):
    images, labels = batch
    shares = [
        mix(images, labels, CLASSES, **OFF | {"mixup": alpha}, generator=seeded(seed))[0][
            0, 0, 0, 0
        ]
        for seed in range(1500)
    ]
    found = np.array([share.item() / 5 for share in shares])
    assert found.mean() == pytest.approx(0.5, abs=0.05)
    assert found.var() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.12)


def test_where_both_are_on_each_has_half_of_the_batches(batch):
    images, labels = batch
    cut = 0
    for seed in range(300):
        options = OFF | {"mixup": 1.0, "cutmix": 1.0}
        found, _ = mix(images, labels, CLASSES, **options, generator=seeded(seed))
        cut += int(((found[0] == 0) | (found[0] == 5)).all())
    assert 115 < cut < 185


def test_erasing_fills_a_rectangle_with_noise():
    images = torch.full((64, 3, 20, 24), 100.0)
    found = erase(images, 1.0, seeded(0))
    erased = found != 100
    assert (images == 100).all()
    for image in erased:
        rows, columns = torch.nonzero(image[0], as_tuple=True)
        box = (rows.max() - rows.min() + 1) * (columns.max() - columns.min() + 1)
        assert (image == image[0]).all()
        assert box == len(rows)
        assert 0.01 < len(rows) / 480 < 0.36
    noise = found[erased]
    assert abs(noise.mean()) < 0.05
    assert abs(noise.std() - 1) < 0.05


def test_erasing_is_done_by_its_chance():
    images = torch.full((400, 3, 12, 12), 100.0)
    count = int((erase(images, 0.25, seeded(0)) != 100).flatten(1).any(1).sum())
    assert 70 < count < 130
    assert erase(images, 0.0, seeded(0)) is images


def test_a_seed_mixes_and_erases_alike(batch):
    images, labels = batch
    options = OFF | {"mixup": 0.2, "cutmix": 1.0, "smoothing": 0.1}
    for seed in range(4):
        first = mix(images, labels, CLASSES, **options, generator=seeded(seed))
        again = mix(images, labels, CLASSES, **options, generator=seeded(seed))
        assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
        assert torch.equal(erase(images, 0.5, seeded(seed)), erase(images, 0.5, seeded(seed)))


def test_the_memory_layout_is_kept(batch):
    images = batch[0].contiguous(memory_format=torch.channels_last)
    for options in (OFF | {"mixup": 0.2}, OFF | {"cutmix": 1.0}):
        found, _ = mix(images, batch[1], CLASSES, **options, generator=seeded(3))
        assert found.is_contiguous(memory_format=torch.channels_last)
    assert erase(images, 1.0, seeded(0)).is_contiguous(memory_format=torch.channels_last)
