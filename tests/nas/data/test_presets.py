"""Data sets by name: the paper's eight for transfer, and ImageNet, as they lie on the hub."""

from collections.abc import Mapping

import datasets
import numpy as np
import pytest

from nas.cli.compose import with_config
from nas.cli.overrides import Arguments
from nas.data.columns import ImageColumn
from nas.data.dataset import identity, splits
from nas.data.folders import ImageFolder
from nas.data.hub import HuggingFace
from nas.data.image_rows import Parquet
from nas.data.loader import Loader
from nas.data.sources import Digits
from nas.defaults.conf import config_dir
from nas.training.transforms import EvalTransform
from nas.verbs.config import Config, make
from pictures import encoded, image_folder, parquet
from search_spaces.errors import UserError

COLUMNS = ("image", "label")
PRESETS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...], str]] = {
    "cifar10": ("uoft-cs/cifar10", ("img", "label"), ("train", "test"), "accuracy"),
    "cifar100": (
        "uoft-cs/cifar100",
        ("img", "fine_label", "coarse_label"),
        ("train", "test"),
        "accuracy",
    ),
    "birdsnap": ("sasha/birdsnap", COLUMNS, ("train",), "accuracy"),
    "stanford_cars": ("tanganke/stanford_cars", COLUMNS, ("train", "test", "spatter"), "accuracy"),
    "flowers102": (
        "dpdl-benchmark/oxford_flowers102",
        COLUMNS,
        ("train", "validation", "test"),
        "mean_per_class",
    ),
    "aircraft": (
        "Donghyun99/FGVC-Aircraft",
        COLUMNS,
        ("train", "val", "test"),
        "mean_per_class",
    ),
    "pets": ("timm/oxford-iiit-pet", (*COLUMNS, "image_id"), ("train", "test"), "mean_per_class"),
    "food101": ("ethz/food101", COLUMNS, ("train", "validation"), "accuracy"),
    "imagenet": ("ILSVRC/imagenet-1k", COLUMNS, ("train", "validation", "test"), "accuracy"),
}
"""What each preset names, the columns and splits there, and what networks are judged by."""


@pytest.fixture(autouse=True)
def _nothing_kept(tmp_path_factory, monkeypatch):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path_factory.mktemp("cache"))
    splits.cache_clear()
    identity.cache_clear()


def chosen(option: str) -> HuggingFace:
    """The source that `data=OPTION` makes."""
    found: list[HuggingFace] = []

    def take(config: Config) -> None:
        found.append(make(config["data"], "data"))

    with_config("search", Arguments((), (f"data={option}",)), take)
    return found[0]


def table(columns: tuple[str, ...], images: int) -> datasets.Dataset:
    """Pictures of two classes."""
    values: dict[str, list[object]] = {
        column: [f"{column} {i}" for i in range(images)] for column in columns
    }
    values[columns[0]] = [{"bytes": encoded(i), "path": None} for i in range(images)]
    values[columns[1]] = [i % 2 for i in range(images)]
    return datasets.Dataset.from_dict(values).cast_column(columns[0], datasets.Image())


def on_the_hub(monkeypatch: pytest.MonkeyPatch, columns: tuple[str, ...], names: tuple[str, ...]):
    asked: list[str] = []

    def load(path: str, *_: object, **__: object) -> Mapping[str, datasets.Dataset]:
        asked.append(path)
        return {name: table(columns, 20 + 2 * at) for at, name in enumerate(names)}

    monkeypatch.setattr("nas.data.hub.unreachable", lambda: "")
    monkeypatch.setattr("nas.data.hub.datasets.load_dataset", load)
    return asked


def test_every_named_data_set_is_here():
    named = {path.stem for path in (config_dir() / "data").glob("*.yaml")}
    assert named == {"digits", "huggingface", "imagefolder", "parquet", *PRESETS}


@pytest.mark.parametrize("preset", PRESETS)
def test_a_data_set_by_name_has_its_columns_splits_and_metric(preset, monkeypatch):
    path, columns, names, metric = PRESETS[preset]
    asked = on_the_hub(monkeypatch, columns, names)
    source = chosen(preset)
    opened = source.open()
    assert asked == [path]
    assert (source.name, source.mirror, source.metric) == (preset, True, metric)
    images = {name: 20 + 2 * at for at, name in enumerate(names)}
    own = opened.own
    assert len(own["train"]) == 20
    if preset in ("food101", "imagenet"):
        assert (len(opened.test), set(own)) == (images["validation"], {"train", "test"})
    elif "test" in names:
        assert len(opened.test) == images["test"]
    else:
        assert len(opened.test) + len(opened.val) + len(opened.train) == 20
    assert len(opened.train) + len(opened.val) <= 20 + 22


def test_imagenets_unlabelled_images_are_named_and_left_out(monkeypatch):
    on_the_hub(monkeypatch, COLUMNS, ("train", "validation", "test"))
    assert "left out: 24 rows of split test" in chosen("imagenet").open().notes


def test_a_test_split_that_is_not_there_is_refused(tmp_path):
    source = Parquet(name="x", path=str(parquet(tmp_path / "t.parquet")), test_split="val")
    with pytest.raises(
        UserError, match=r"data\.test_split: .* has no split of the name val; it has train"
    ):
        source.open()


@pytest.mark.parametrize("name", ["val", "train", "holdout"])
def test_a_folder_that_is_not_there_is_no_test_split(name, tmp_path):
    root = image_folder(tmp_path / "pets", {"train/a": 5, "train/b": 5})
    with pytest.raises(UserError, match=r"data\.test_split: .* it has train"):
        ImageFolder(name="x", path=str(root), test_split=name).open()


def test_a_test_folder_beside_the_one_that_tests_is_left_out(tmp_path):
    folders = {f"{split}/{name}": 4 for split in ("train", "val", "test") for name in "ab"}
    root = image_folder(tmp_path / "pets", folders)
    opened = ImageFolder(name="x", path=str(root), test_split="val").open()
    assert len(opened.train) + len(opened.val) == 8
    assert len(opened.test) == 8
    assert any("left out" in note and "data.test_split=val" in note for note in opened.notes)
    usual = ImageFolder(name="x", path=str(root), test_split="test").open()
    assert (len(usual.train), len(usual.val), len(usual.test)) == (8, 8, 8)


def test_an_unknown_metric_is_refused():
    with pytest.raises(UserError, match=r"data\.metric: expected accuracy or mean_per_class"):
        Digits(metric="mean").open()  # type: ignore[arg-type]


def test_the_metric_is_no_part_of_the_datas_identity(tmp_path):
    root = str(image_folder(tmp_path / "pets", {"a": 9, "b": 9}))
    both = [ImageFolder(name="x", path=root, metric=m) for m in ("accuracy", "mean_per_class")]
    assert identity(both[0]) == identity(both[1])


def test_lengths_of_a_tables_images_are_found_without_reading_its_rows(tmp_path, monkeypatch):
    source = Parquet(name="x", path=str(parquet(tmp_path / "t.parquet", images=30)))
    train = source.open().own["train"]
    expected = [len(encoded(number)) for number in range(30)]

    def read(self: ImageColumn, position: int) -> None:
        raise AssertionError("a row was read")

    monkeypatch.setattr(ImageColumn, "_image", read)
    assert train.stored is not None
    assert train.stored.sizes(np.arange(30)).tolist() == expected
    assert train.stored.sizes(np.array([7, 3])).tolist() == [expected[7], expected[3]]


@pytest.mark.parametrize("layout", ["folder", "parquet"])
def test_imagenets_layouts_load_within_the_memory_allowed(layout, tmp_path):
    if layout == "folder":
        for split, count in (("train", 6), ("val", 3)):
            image_folder(tmp_path / split, {"n01440764": count, "n01443537": count})
        source = ImageFolder(name="imagenet", path=str(tmp_path), test_split="val")
    else:
        for name in ("train-00000-of-00002", "train-00001-of-00002", "validation-00000-of-00001"):
            parquet(tmp_path / f"{name}.parquet", images=6)
        parquet(tmp_path / "test-00000-of-00001.parquet", images=6, label=[-1] * 6)
        source = Parquet(name="imagenet", path=str(tmp_path), test_split="validation")
    opened = source.open()
    assert len(opened.train) + len(opened.val) == 12
    loader = Loader(
        split=opened.test,
        transform=EvalTransform(side=8, crop_pct=0.875),
        batch_size=4,
        seed=0,
        workers=0,
        memory_gb=4e-6,
    )
    assert [len(batch.labels) for batch in loader.in_order()] == [4, 2]
    assert loader._kept is not None
    # A picture is 1,800 bytes: two fit into 4,000.
    assert len(loader._kept) == 2
