"""Data: what is split from what, what a network is fed, and what is said of data that is bad."""

import dataclasses
import io
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from nas.training.data import Decoded, decode, load, splits, square, verify
from nas.training.folders import ImageFolder
from nas.training.hub import HuggingFace
from nas.training.sources import Digits, Split
from nas.training.splits import hold_out, stratified_order
from nas.training.tables import Parquet
from search_spaces.errors import UserError

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path_factory.mktemp("cache"))


def picture(seed: int, width: int = 20, height: int = 30) -> Image.Image:
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))


def encoded(seed: int) -> bytes:
    buffer = io.BytesIO()
    picture(seed).save(buffer, "png")
    return buffer.getvalue()


def image_folder(root: Path, classes: dict[str, int]) -> Path:
    for name, count in classes.items():
        (root / name).mkdir(parents=True)
        for index in range(count):
            picture(index).save(root / name / f"{index}.png")
    return root


def parquet(path: Path, images: int = 20, **columns: list[object]) -> Path:
    rows = {"image": [encoded(i) for i in range(images)], "label": [i % 2 for i in range(images)]}
    pd.DataFrame(rows | columns).to_parquet(path)
    return path


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


def test_an_image_folder_has_its_classes_named_by_its_folders(tmp_path):
    root = image_folder(tmp_path / "pets", {"cats": 10, "dogs": 20})
    opened = ImageFolder(name="pets", path=str(root)).open()
    assert opened.classes == ("cats", "dogs")
    assert len(opened.train) + len(opened.val) + len(opened.test) == 30
    assert "test" not in {opened.train.where(0)}
    assert opened.train.where(0).endswith("cats/0.png")


def test_an_image_folders_own_splits_are_used(tmp_path):
    for split, count in {"train": 8, "val": 5, "test": 3}.items():
        image_folder(tmp_path / split, {"a": count, "b": count})
    opened = ImageFolder(name="x", path=str(tmp_path)).open()
    assert [len(part) for part in (opened.train, opened.val, opened.test)] == [16, 10, 6]


def test_names_of_files_do_not_decide_their_split(tmp_path):
    root = image_folder(tmp_path / "x", {"a": 5, "test-train": 5})
    picture(9).save(root / "a" / "val_test.png")
    opened = ImageFolder(name="x", path=str(root)).open()
    assert len(opened.train) + len(opened.val) + len(opened.test) == 11


def test_parquet_in_hugging_faces_layout(tmp_path):
    parquet(tmp_path / "train-00000-of-00002.parquet")
    parquet(tmp_path / "train-00001-of-00002.parquet")
    parquet(tmp_path / "test-00000-of-00001.parquet", images=6)
    opened = Parquet(name="x", path=str(tmp_path)).open()
    assert len(opened.train) + len(opened.val) == 40
    assert len(opened.test) == 6
    assert decode(opened.test, 8)[0].shape == (6, 8, 8, 3)


def test_a_parquet_files_columns_may_have_other_names_and_labels_be_names(tmp_path):
    path = tmp_path / "x.parquet"
    images = [encoded(i) for i in range(20)]
    pd.DataFrame({"img": images, "kind": ["cat", "dog"] * 10}).to_parquet(path)
    source = Parquet(name="x", path=str(path), image_column="img", label_column="kind")
    assert source.open().classes == ("cat", "dog")


def test_a_test_split_without_labels_is_none(tmp_path):
    parquet(tmp_path / "train.parquet")
    parquet(tmp_path / "test.parquet", images=6, label=[-1] * 6)
    opened = Parquet(name="x", path=str(tmp_path)).open()
    assert set(opened.test.labels) == {0, 1}
    assert len(opened.train) + len(opened.val) + len(opened.test) == 20


def test_a_data_sets_name_may_be_a_local_copys_path(tmp_path):
    parquet(tmp_path / "train.parquet")
    assert len(HuggingFace(name="x", path=str(tmp_path)).open().classes) == 2


class TestMistakes:
    """Each gives one line that says what and where."""

    def expect(self, source, *fragments):
        with pytest.raises(UserError) as caught:
            load(source, 8)
        assert len(str(caught.value).splitlines()) == 1
        for fragment in fragments:
            assert fragment in str(caught.value)

    @pytest.mark.parametrize("kind", [ImageFolder, Parquet])
    def test_a_path_that_is_not_there(self, kind, tmp_path):
        path = str(tmp_path / "nowhere")
        self.expect(kind(name="x", path=path), "data.path", path)

    def test_a_folder_of_one_class(self, tmp_path):
        root = image_folder(tmp_path / "x", {"cats": 5})
        self.expect(ImageFolder(name="x", path=str(root)), str(root), "one class (cats)")

    def test_a_folder_of_images_without_classes(self, tmp_path):
        picture(0).save(tmp_path / "a.png")
        self.expect(ImageFolder(name="x", path=str(tmp_path)), "one folder of images a class")

    def test_an_image_folder_that_is_a_file(self, tmp_path):
        path = parquet(tmp_path / "x.parquet")
        self.expect(ImageFolder(name="x", path=str(path)), "is a file")

    def test_folders_without_images(self, tmp_path):
        (tmp_path / "x" / "cats").mkdir(parents=True)
        (tmp_path / "x" / "dogs").mkdir()
        self.expect(ImageFolder(name="x", path=str(tmp_path / "x")), "data.path")

    def test_too_few_images_of_a_class(self, tmp_path):
        root = image_folder(tmp_path / "x", {"cats": 9, "dogs": 2})
        self.expect(ImageFolder(name="x", path=str(root)), "2 images of class dogs", "3")

    def test_a_truncated_image_wherever_it_falls(self, tmp_path):
        root = image_folder(tmp_path / "x", {"cats": 6, "dogs": 6})
        broken = root / "dogs" / "4.png"
        whole = broken.read_bytes()
        broken.write_bytes(whole[: len(whole) // 2])
        for seed in range(5):
            source = ImageFolder(name="x", path=str(root), seed=seed)
            with pytest.raises(UserError, match=r"4\.png.*cannot be decoded"):
                verify(source, 8)

    def test_a_file_that_is_no_parquet(self, tmp_path, capfd):
        path = tmp_path / "x.parquet"
        path.write_bytes(b"no parquet")
        self.expect(Parquet(name="x", path=str(path)), "data.path", str(path))
        assert capfd.readouterr().err == ""

    def test_columns_that_are_not_there(self, tmp_path):
        path = parquet(tmp_path / "x.parquet")
        self.expect(
            Parquet(name="x", path=str(path), image_column="img"),
            "data.image_column",
            "it has image, label",
        )
        self.expect(Parquet(name="x", path=str(path), label_column="y"), "data.label_column", "y")

    def test_columns_of_something_else(self, tmp_path):
        path = parquet(tmp_path / "x.parquet", image=[0.5] * 20)
        self.expect(Parquet(name="x", path=str(path)), "data.image_column", "no images")
        path = parquet(tmp_path / "y.parquet", label=[0.5, 1.0] * 10)
        self.expect(Parquet(name="x", path=str(path)), "data.label_column", "whole numbers")

    def test_bytes_that_are_no_image(self, tmp_path):
        path = parquet(tmp_path / "x.parquet", image=[b"text"] * 20)
        self.expect(Parquet(name="x", path=str(path)), "row", "cannot be decoded")

    def test_a_limit_that_leaves_a_class_without_images(self):
        self.expect(Digits(limit=12, val_fraction=0.2), "data.limit", "at least 2")
        self.expect(Digits(limit=0), "data.limit", "at least 1")

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
