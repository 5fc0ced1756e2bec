"""Data: what is split from what, what a network is fed, and what is said of data that is bad."""

import dataclasses
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from sklearn.datasets import load_digits

from nas.data.dataset import Decoded, load, splits, square, verify
from nas.data.folders import ImageFolder
from nas.data.image_rows import Parquet
from nas.data.sources import Digits, Split
from nas.data.splits import hold_out, stratified_order
from pictures import image_folder
from search_spaces.errors import UserError

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path_factory.mktemp("cache"))


labels = st.lists(st.integers(0, 4), min_size=1, max_size=200).map(np.array)


@given(labels, st.floats(0.01, 0.99), st.integers(0, 2**32))
def test_what_is_held_out_and_what_is_kept_are_everything_once(labels, fraction, seed):
    kept, held = hold_out(labels, fraction, seed)
    assert sorted([*kept, *held]) == list(range(len(labels)))


@given(labels, st.floats(0.01, 0.99), st.integers(0, 2**32))
def test_every_class_of_two_has_one_image_on_each_side(labels, fraction, seed):
    kept, held = hold_out(labels, fraction, seed)
    for label in np.unique(labels[[(labels == label).sum() > 1 for label in labels]]):
        assert label in labels[kept]
        assert label in labels[held]


@given(labels, st.integers(0, 2**32), st.integers(1, 200))
def test_any_prefix_of_a_stratified_order_holds_each_class_in_proportion(labels, seed, count):
    chosen = labels[stratified_order(labels, seed)[:count]]
    for label in np.unique(labels):
        share = (labels == label).mean()
        assert abs((chosen == label).sum() - share * len(chosen)) <= len(np.unique(labels))


def test_digits_are_those_of_scikit_learn():
    digits, found = load_digits(), Digits().open().own["train"]
    assert np.array_equal(found.labels, digits.target)
    for position, image in enumerate(digits.images):
        assert np.array_equal(found.read(position), np.round(image * 255 / 16))


def test_digits_split_without_overlap_and_the_same_each_time():
    first, again = Digits().open(), Digits().open()
    parts = [first.train, first.val, first.test]
    everything = np.concatenate([part.positions for part in parts])
    assert sorted(everything) == list(range(1797))
    assert len(first.classes) == 10
    np.testing.assert_array_equal(first.val.positions, again.val.positions)
    assert len(first.test) == pytest.approx(1797 * 0.15, abs=10)


def test_a_limit_bounds_training_and_validation_together_and_nests():
    small, large = Digits(limit=200).open(), Digits(limit=400).open()
    assert len(small.train) + len(small.val) == 200
    assert len(small.val) == pytest.approx(100, abs=5)
    seen = {*small.train.positions, *small.val.positions}
    assert seen <= {*large.train.positions, *large.val.positions}
    np.testing.assert_array_equal(small.test.positions, large.test.positions)


def test_grey_images_become_three_equal_channels_at_the_resolution_asked_for():
    data = load(Digits(limit=100), 17)
    images = data.train.pixels.batch(torch.arange(5), CPU)
    assert images.shape == (5, 17, 17, 3)
    assert images.dtype == torch.uint8
    assert torch.equal(images[..., 0], images[..., 2])


def test_normalisation_is_of_the_training_images_alone():
    data = load(Digits(limit=100), 8)
    images = data.train.pixels.batch(torch.arange(len(data.train)), CPU).double()
    torch.testing.assert_close(data.mean.double(), images.mean((0, 1, 2)), rtol=1e-6, atol=1e-4)
    torch.testing.assert_close(
        data.std.double(), images.std((0, 1, 2), correction=0), rtol=1e-6, atol=1e-4
    )


def test_an_image_is_cropped_to_its_centred_square_then_resized():
    image = Image.new("RGB", (40, 20), "white")
    image.paste("black", (0, 0, 10, 20))
    image.paste("black", (30, 0, 40, 20))
    assert np.asarray(square(image, 10))[:, 1:-1].min() == 255


def test_beyond_the_memory_allowed_the_same_images_are_decoded_batch_by_batch():
    kept, lazy = load(Digits(limit=60), 9), load(Digits(limit=60, memory=0.0), 9)
    assert isinstance(lazy.train.pixels, Decoded)
    chosen = torch.tensor([3, 1, 2])
    assert torch.equal(kept.train.pixels.batch(chosen, CPU), lazy.train.pixels.batch(chosen, CPU))
    assert torch.equal(kept.mean, lazy.mean)


def test_sources_travel_to_other_processes():
    for source in (Digits(limit=50), ImageFolder(name="x", path="x"), Parquet(name="x", path="x")):
        assert pickle.loads(pickle.dumps(source)) == source


class TestMistakes:
    """Each gives one line that says what and where."""

    def expect(self, source, *fragments):
        with pytest.raises(UserError) as caught:
            load(source, 8)
        assert len(str(caught.value).splitlines()) == 1
        for fragment in fragments:
            assert fragment in str(caught.value)

    def test_a_truncated_image_wherever_it_falls(self, tmp_path):
        root = image_folder(tmp_path / "x", {"cats": 6, "dogs": 6})
        broken = root / "dogs" / "4.png"
        whole = broken.read_bytes()
        broken.write_bytes(whole[: len(whole) // 2])
        for seed in range(5):
            source = ImageFolder(name="x", path=str(root), seed=seed)
            with pytest.raises(UserError, match=r"4\.png.*cannot be decoded"):
                verify(source, 8)

    def test_a_limit_that_leaves_a_class_without_images(self):
        self.expect(Digits(limit=12, val_fraction=0.2), "data.limit", "at least 2")
        self.expect(Digits(limit=0), "data.limit", "at least 1")
        self.expect(Digits(seed=-1), "data.seed", "at least 0")

    @pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, float("nan")])
    def test_fractions_out_of_range(self, fraction):
        self.expect(Digits(val_fraction=fraction), "data.val_fraction")
        self.expect(Digits(test_fraction=fraction), "data.test_fraction")


def test_the_search_never_decodes_the_test_images():
    read: list[int] = []

    @dataclasses.dataclass(frozen=True)
    class Watched(Digits):
        def open(self):
            opened = super().open()

            def watched(split: Split) -> Split:
                def read_one(position: int) -> Image.Image:
                    read.append(position)
                    return split.read(position)

                return dataclasses.replace(split, read=read_one)

            parts = {part: watched(getattr(opened, part)) for part in ("train", "val", "test")}
            return dataclasses.replace(opened, **parts)

    source = Watched(limit=100)
    load(source, 8)
    assert not set(read) & set(splits(source).test.positions)
