"""Batches are the same however many processes load them, and wherever a training goes on."""

import io
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from nas.data.image_rows import Parquet
from nas.data.loader import Batch, Loader, is_lost_worker
from nas.data.sources import Digits, Split
from nas.training.transforms import EvalTransform, TrainTransform
from orphans import kill_with_children
from pictures import encoded, parquet, picture
from search_spaces.errors import CommandFailed, UserError

RANDOM = TrainTransform(
    side=12,
    mirror=True,
    crop_scale=0.3,
    shift=0.1,
    policy="randaugment",
    magnitude=9.0,
    colour_jitter=0.2,
)
CENTRE = EvalTransform(side=12, crop_pct=0.875)


def split_of(count: int, damaged: int | None = None) -> Split:
    """So many pictures, of which one may be damaged; the class of each is its number."""

    def read(position: int) -> Image.Image:
        data = encoded(position)
        return Image.open(io.BytesIO(data[:60] if position == damaged else data))

    numbers = np.arange(count)
    return Split(numbers, numbers, read, lambda position: f"picture {position}")


def loader(count: int = 23, workers: int = 0, **options: object) -> Loader:
    settings = {"transform": RANDOM, "batch_size": 5, "seed": 3, **options}
    return Loader(split=split_of(count), workers=workers, **settings)


def same(first: list[Batch], second: list[Batch]) -> bool:
    return len(first) == len(second) and all(
        torch.equal(a.pixels, b.pixels) and torch.equal(a.labels, b.labels)
        for a, b in zip(first, second, strict=True)
    )


def labels(batches: list[Batch]) -> list[list[int]]:
    return [batch.labels.tolist() for batch in batches]


def test_an_epoch_has_every_image_in_one_of_batches_of_equal_sizes_to_within_one():
    found = loader()
    batches = list(found.epoch(0))
    assert found.steps == len(batches) == 5
    sizes = [5, 5, 5, 4, 4]
    assert [found.size(step) for step in range(5)] == sizes
    for size, batch in zip(sizes, batches, strict=True):
        assert (batch.pixels.dtype, batch.pixels.shape) == (torch.uint8, (size, 12, 12, 3))
        assert (batch.labels.dtype, batch.labels.shape) == (torch.int64, (size,))
    numbers = np.concatenate(labels(batches))
    assert sorted(numbers) == list(range(23))
    assert numbers.tolist() != sorted(numbers)


@pytest.mark.parametrize(
    ("images", "most", "sizes"),
    [
        (108, 16, [16] * 3 + [15] * 4),
        (20, 16, [10, 10]),
        (16, 16, [16]),
        (3, 16, [3]),
        (5, 2, [3, 2]),
        (1, 2, [1]),
        (2, 1, [1, 1]),
    ],
)
def test_no_image_is_left_over_and_none_alone(images, most, sizes):
    found = loader(images, batch_size=most, transform=CENTRE)
    assert [len(batch.labels) for batch in found.epoch(0)] == sizes


def test_an_image_is_drawn_from_seed_epoch_and_its_own_number():
    for batch in loader().epoch(7):
        for pixels, number in zip(batch.pixels, batch.labels.tolist(), strict=True):
            expected = RANDOM(picture(number), np.random.default_rng([3, 7, number]))
            assert (pixels.numpy() == expected).all()


def test_epochs_and_seeds_differ_and_repeat():
    first = list(loader().epoch(0))
    assert same(first, list(loader().epoch(0)))
    assert not same(first, list(loader().epoch(1)))
    assert not same(first, list(loader(seed=4).epoch(0)))


@pytest.mark.parametrize("workers", [1, 3])
def test_the_number_of_workers_changes_nothing(workers):
    assert same(list(loader().epoch(2)), list(loader(workers=workers).epoch(2)))
    assert same(list(loader().in_order()), list(loader(workers=workers).in_order()))


@pytest.mark.parametrize("source", ["digits", "parquet"])
def test_spawned_workers_give_the_same_batches(source, tmp_path):
    if source == "digits":
        train = Digits(limit=40).open().train
    else:
        train = Parquet(name="x", path=str(parquet(tmp_path / "t.parquet"))).open().train
    options = {"split": train, "transform": RANDOM, "batch_size": 4, "seed": 0}
    here = Loader(**options, workers=0)
    there = Loader(**options, workers=1, start_method="spawn", memory_gb=1e-5)
    assert same(list(here.epoch(0)), list(there.epoch(0)))


@pytest.mark.parametrize("workers", [0, 2])
def test_an_epoch_goes_on_from_any_step(workers):
    whole = list(loader().epoch(5))
    for step in range(5):
        assert same(whole[step:], list(loader(workers=workers).epoch(5, first_step=step)))


@pytest.mark.parametrize("ranks", [2, 3, 4])
def test_ranks_share_each_batch(ranks):
    whole = list(loader().epoch(1))
    parts = [list(loader().epoch(1, rank=rank, ranks=ranks)) for rank in range(ranks)]
    together = [
        Batch(torch.cat([b.pixels for b in batches]), torch.cat([b.labels for b in batches]))
        for batches in zip(*parts, strict=True)
    ]
    assert same(whole, together)
    for batches in zip(*parts, strict=True):
        sizes = [len(batch.labels) for batch in batches]
        assert max(sizes) - min(sizes) <= 1


def test_more_ranks_than_images_in_a_batch_are_refused():
    with pytest.raises(UserError, match="4 images in a batch cannot be shared by 5 processes"):
        loader().epoch(0, ranks=5)


@pytest.mark.parametrize("ranks", [1, 2, 4, 40])
def test_in_order_every_image_comes_once_over_all_ranks(ranks):
    found = [list(loader(transform=CENTRE).in_order(rank, ranks)) for rank in range(ranks)]
    flat = [number for batches in found for batch in labels(batches) for number in batch]
    assert flat == list(range(23))
    if ranks == 1:
        assert [len(batch.labels) for batch in found[0]] == [5, 5, 5, 5, 3]


def test_a_split_smaller_than_a_batch_is_one_batch():
    few = loader(count=3)
    assert few.steps == 1
    assert sorted(labels(list(few.epoch(0)))[0]) == [0, 1, 2]


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("memory_gb", [5e-6, 1.0])
def test_kept_images_are_those_that_are_decoded_anew(workers, memory_gb):
    kept = loader(workers=workers, memory_gb=memory_gb)
    plain = list(loader().epoch(0))
    assert same(plain, list(kept.epoch(0)))
    assert same(plain, list(kept.epoch(0)))


def test_what_is_kept_is_decoded_once_and_takes_no_more_than_allowed():
    reads: list[int] = []

    def read(position: int) -> Image.Image:
        reads.append(position)
        return picture(position)

    numbers = np.arange(10)
    of_it = Split(numbers, numbers, read, str)
    # A picture is 20 · 30 · 3 = 1,800 bytes: five fit.
    few = Loader(split=of_it, transform=CENTRE, batch_size=4, seed=0, workers=0, memory_gb=9.5e-6)
    list(few.in_order())
    list(few.in_order())
    assert sorted(reads) == sorted([*range(6), *range(5, 10), *range(5, 10)])
    assert few._kept is not None
    assert sum(len(chunk) for chunk in few._kept.chunks) <= 9500


@pytest.mark.parametrize("workers", [0, 2])
def test_a_damaged_image_is_named_in_one_line(workers):
    damaged = Loader(
        split=split_of(23, damaged=11), transform=CENTRE, batch_size=5, seed=0, workers=workers
    )
    with pytest.raises(UserError, match="picture 11: the image cannot be decoded") as caught:
        list(damaged.in_order())
    assert "Traceback" not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_mistake_in_ones_own_transform_is_not_blamed_on_an_image():
    class Broken:
        side = detail = 12

        def __call__(self, image: Image.Image, rng: np.random.Generator) -> np.ndarray:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(loader(transform=Broken()).in_order())


def test_torchs_global_generator_is_left_alone():
    before = torch.get_rng_state()
    list(loader(workers=1).epoch(0))
    assert torch.equal(before, torch.get_rng_state())


class Dying:
    side = detail = 12

    def __call__(self, image: Image.Image, rng: np.random.Generator) -> np.ndarray:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


def test_a_lost_worker_ends_in_one_line():
    with pytest.raises(CommandFailed, match="a process that loads images was lost") as caught:
        list(loader(workers=1, transform=Dying()).in_order())
    assert caught.value.__cause__ is not None
    assert is_lost_worker(caught.value.__cause__)


def test_workers_end_when_iteration_is_given_up_and_when_their_parent_is_killed(tmp_path):
    script = tmp_path / "endless.py"
    here = Path(__file__).parents[2]
    script.write_text(
        textwrap.dedent(
            """
            import time
            from test_loader import loader
            abandoned = loader(workers=2).epoch(0)
            next(abandoned)
            del abandoned
            import multiprocessing
            assert not multiprocessing.active_children()
            batches = loader(count=2000, workers=2).epoch(0)
            next(batches)
            time.sleep(600)
            """
        )
    )
    paths = [str(Path(__file__).parent), str(here / "support"), str(here), *sys.path]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    process = subprocess.Popen([sys.executable, str(script)], env=environment, text=True)
    kill_with_children(process, at_least=2)
