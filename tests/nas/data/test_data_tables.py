"""Tables of images: which files are which split, what labels may be, and what is never opened."""

import errno
import warnings
from pathlib import Path

import datasets
import pandas as pd
import pytest
from huggingface_hub import constants

from nas.data.dataset import decode, load
from nas.data.hub import HuggingFace
from nas.data.image_rows import Parquet
from nas.data.sources import Splits
from pictures import encoded, parquet
from search_spaces.errors import UserError


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path_factory.mktemp("cache"))


def opened(path: Path) -> Splits:
    return Parquet(name="x", path=str(path)).open()


def counts(path: Path) -> tuple[int, int, int]:
    """Rows of the table's own training, validation and test splits; 0 for those it lacks."""
    own = opened(path).own
    train, val, test = (
        len(own[split]) if split in own else 0 for split in ("train", "val", "test")
    )
    return train, val, test


def refusal(source: Parquet | HuggingFace) -> str:
    with pytest.raises(UserError) as caught:
        load(source, 8)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def refused(path: Path, **options: str) -> str:
    return refusal(Parquet(name="x", path=str(path), **options))


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


class TestSplits:
    """No row of a test split is ever trained on."""

    @pytest.mark.parametrize(
        ("train", "val", "test"),
        [
            ("Train", "Valid", "Test"),
            ("training_set", "dev", "test_set"),
            ("cifar-train", "cifar-val", "cifar-test"),
            ("train/0000", "validation/0000", "test/0000"),
            ("TRAIN-00000-of-00001", "VAL-00000-of-00001", "TEST-00000-of-00001"),
        ],
    )
    def test_are_known_by_the_names_of_their_files(self, train, val, test, tmp_path):
        for name, count in ((train, 12), (val, 8), (test, 6)):
            path = tmp_path / f"{name}.parquet"
            path.parent.mkdir(exist_ok=True)
            parquet(path, images=count)
        assert counts(tmp_path) == (12, 8, 6)

    def test_that_only_some_files_name_are_refused(self, tmp_path):
        parquet(tmp_path / "train.parquet")
        parquet(tmp_path / "holdout.parquet")
        message = refused(tmp_path)
        assert "holdout.parquet is named after no split" in message

    def test_two_in_one_name_are_refused(self, tmp_path):
        parquet(tmp_path / "train_test.parquet")
        assert "named after two splits" in refused(tmp_path)

    def test_of_files_without_names_are_all_training(self, tmp_path):
        parquet(tmp_path / "part-0.parquet")
        parquet(tmp_path / "part-1.PARQUET")
        assert counts(tmp_path) == (40, 0, 0)

    def test_paths_are_no_patterns(self, tmp_path):
        for name in ("pets[v1]", "petsv", "pets *"):
            (tmp_path / name).mkdir()
            parquet(tmp_path / name / "train.parquet", images=12)
        assert counts(tmp_path / "pets[v1]") == (12, 0, 0)
        assert counts(tmp_path / "pets *" / "train.parquet") == (12, 0, 0)


class TestLabels:
    def test_a_test_split_without_the_column_is_none_and_it_is_said(self, tmp_path):
        parquet(tmp_path / "train.parquet")
        pd.DataFrame({"image": [encoded(0)] * 6}).to_parquet(tmp_path / "test.parquet")
        found = opened(tmp_path)
        assert "the 6 images of test have no labels and count as none" in found.notes[0]
        assert set(found.test.labels) == {0, 1}

    @pytest.mark.parametrize("label", [-1, None])
    def test_a_test_split_without_labels_is_none_and_it_is_said(self, label, tmp_path):
        parquet(tmp_path / "train.parquet")
        column = pd.array([label] * 6, dtype="Int64")
        parquet(tmp_path / "test.parquet", images=6, label=column)
        found = opened(tmp_path)
        assert "the 6 images of test have no labels and count as none" in found.notes[0]
        assert counts(tmp_path) == (20, 0, 0)

    @pytest.mark.parametrize("label", [-1, None])
    def test_rows_without_one_are_no_class_of_their_own(self, label, tmp_path):
        column = pd.array([0, 1, label, 1] * 5, dtype="Int64")
        parquet(tmp_path / "train.parquet", label=column)
        message = refused(tmp_path)
        assert "data.label_column" in message
        assert "5 rows of 20 without a label" in message

    def test_some_test_rows_without_one_are_refused(self, tmp_path):
        parquet(tmp_path / "train.parquet")
        parquet(tmp_path / "test.parquet", images=4, label=[0, 1, -1, -1])
        assert "test split has 2 rows of 4 without a label" in refused(tmp_path)

    @pytest.mark.parametrize("label", [[0, 1], [1.0, 0.0], [], [3]])
    def test_lists_are_refused(self, label, tmp_path):
        parquet(tmp_path / "x.parquet", label=[label] * 20)
        message = refused(tmp_path / "x.parquet")
        assert "data.label_column" in message
        assert "holds lists: several labels an image, or one-hot" in message

    def test_ragged_lists_are_refused(self, tmp_path):
        parquet(tmp_path / "x.parquet", label=[[0], [1, 2]] * 10)
        assert "holds lists" in refused(tmp_path / "x.parquet")

    def test_that_training_lacks_are_named_not_numbered(self, tmp_path):
        names = datasets.ClassLabel(names=["cat", "dog", "zebra"])
        features = datasets.Features({"image": datasets.Image(), "label": names})
        for split, labels in (("train", [0, 1] * 10), ("test", [0, 2] * 3)):
            rows = {"image": [{"bytes": encoded(i)} for i in labels], "label": labels}
            table = datasets.Dataset.from_dict(rows, features=features)
            table.to_parquet(tmp_path / f"{split}.parquet")
        message = refused(tmp_path)
        assert (
            "zebra of the test split is not among the training images' classes: cat, dog" in message
        )

    def test_of_splits_that_number_them_differently_are_matched_by_name(self, tmp_path):
        for split, names in (("train", ["cat", "dog"]), ("test", ["dog", "cat"])):
            features = datasets.Features(
                {"image": datasets.Image(), "label": datasets.ClassLabel(names=names)}
            )
            rows = {"image": [{"bytes": encoded(i)} for i in range(9)], "label": [0, 0, 1] * 3}
            table = datasets.Dataset.from_dict(rows, features=features)
            table.to_parquet(tmp_path / f"{split}.parquet")
        found = opened(tmp_path)
        assert found.classes == ("cat", "dog")
        assert found.test.labels.tolist() == [1, 1, 0] * 3


class TestFilesThatRowsName:
    """Are not opened: a table from a stranger may name any."""

    def table(self, root: Path, secret: Path) -> Path:
        rows = [{"bytes": None, "path": str(secret)}] * 20
        pd.DataFrame({"image": rows, "label": [0, 1] * 10}).to_parquet(root / "train.parquet")
        return root / "train.parquet"

    def test_in_parquet_files(self, tmp_path):
        secret = tmp_path / "secret.png"
        secret.write_bytes(encoded(0))
        message = refused(self.table(tmp_path, secret))
        assert "the name of a file, not its bytes, and none is opened" in message

    def test_outside_a_local_copy_of_a_hub_data_set(self, tmp_path):
        secret = tmp_path / "secret.png"
        secret.write_bytes(encoded(0))
        (tmp_path / "copy").mkdir()
        self.table(tmp_path / "copy", tmp_path / "copy" / ".." / "secret.png")
        message = refusal(HuggingFace(name="x", path=str(tmp_path / "copy")))
        assert "none is opened" in message

    def test_inside_a_local_copy_are_part_of_it(self, tmp_path):
        inside = tmp_path / "0.png"
        inside.write_bytes(encoded(0))
        self.table(tmp_path, inside)
        assert load(HuggingFace(name="x", path=str(tmp_path)), 8).num_classes == 2

    def test_keep_control_characters_from_the_terminal(self, tmp_path):
        rows = [{"bytes": b"no image", "path": "a\x1b[2J\n.png"}] * 20
        pd.DataFrame({"image": rows, "label": [0, 1] * 10}).to_parquet(tmp_path / "x.parquet")
        assert "(a\\x1b[2J\\n.png)" in refused(tmp_path / "x.parquet")


class TestHub:
    def test_without_a_network_is_told_at_once_and_asked_once(self, monkeypatch):
        asked: list[str] = []

        class Session:
            def head(self, url: str, timeout: float) -> None:
                asked.append(url)
                raise OSError("Name or service not known")

        monkeypatch.setattr("huggingface_hub.get_session", Session)
        message = refusal(HuggingFace(name="x", path="uoft-cs/cifar10"))
        assert "https://huggingface.co cannot be reached (Name or service not known)" in message
        assert asked == [constants.ENDPOINT]
        assert not constants.HF_HUB_OFFLINE
        assert not datasets.config.HF_HUB_OFFLINE

    def test_splits_of_a_local_copy_are_never_all_trained_on(self, tmp_path):
        for name in ("Train", "Test"):
            parquet(tmp_path / f"{name}.parquet")
        message = refusal(HuggingFace(name="x", path=str(tmp_path)))
        assert "named after test, train, and the `datasets` library takes them all for" in message

    def test_is_not_asked_for_a_local_copy(self, tmp_path, monkeypatch):
        monkeypatch.setattr("nas.data.hub.unreachable", lambda: pytest.fail("was asked"))
        parquet(tmp_path / "train.parquet")
        assert len(HuggingFace(name="x", path=str(tmp_path)).open().classes) == 2


def test_a_cache_that_cannot_be_written_is_blamed_instead_of_the_data(tmp_path, monkeypatch):
    blocked = tmp_path / "cache"
    blocked.touch()
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", blocked / "datasets")
    parquet(tmp_path / "train.parquet")
    with pytest.raises(OSError, match="Not a directory") as caught:
        opened(tmp_path / "train.parquet")
    assert caught.value.errno == errno.ENOTDIR
    assert str(caught.value.filename).startswith(str(blocked))
    assert "the `datasets` library's cache; HF_HOME=… moves it" in caught.value.strerror


class TestMistakes:
    """Each gives one line that says what and where."""

    def test_a_path_that_is_not_there(self, tmp_path):
        assert f"no such file or folder: {tmp_path}/nowhere" in refused(tmp_path / "nowhere")

    def test_a_folder_without_tables(self, tmp_path):
        assert "data.path: no parquet files in" in refused(tmp_path)

    def test_a_file_that_is_no_parquet(self, tmp_path, capfd):
        path = tmp_path / "x.parquet"
        path.write_bytes(b"no parquet")
        assert f"data.path: cannot read {path}" in refused(path)
        assert capfd.readouterr().err == ""

    def test_columns_that_are_not_there(self, tmp_path):
        path = parquet(tmp_path / "x.parquet")
        message = refused(path, image_column="img")
        assert "data.image_column" in message
        assert "it has image, label" in message
        assert "has no column y" in refused(path, label_column="y")

    def test_columns_of_something_else(self, tmp_path):
        path = parquet(tmp_path / "x.parquet", image=[0.5] * 20)
        assert "holds no images" in refused(path)
        path = parquet(tmp_path / "y.parquet", label=[0.5, 1.0] * 10)
        assert "expected whole numbers or names" in refused(path)

    def test_lists_of_numbers_are_one_line_and_no_warning_beside_it(self, tmp_path):
        path = parquet(tmp_path / "x.parquet", image=[[1, 2, 3]] * 20)
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            assert "row 0: the image cannot be decoded: its pixels are 32-bit" in refused(path)
        assert not warned

    def test_bytes_that_are_no_image(self, tmp_path):
        message = refused(parquet(tmp_path / "x.parquet", image=[b"text"] * 20))
        assert "row" in message
        assert "cannot be decoded" in message

    def test_a_table_without_rows(self, tmp_path):
        path = parquet(tmp_path / "x.parquet", images=0, label=pd.array([], dtype="int64"))
        assert f"data.path: cannot read {path}" in refused(path)

    def test_rows_without_an_image(self, tmp_path):
        images = [None, *[encoded(i) for i in range(19)]]
        message = refused(parquet(tmp_path / "x.parquet", image=images))
        assert "row 0: the image cannot be decoded: there is no image" in message
