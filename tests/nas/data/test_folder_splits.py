"""Splits of folders of images: which is which, and which have no labels."""

from pathlib import Path

import pytest

from image_folders import counts, opened, refusal
from pictures import encoded, image_folder
from search_spaces.errors import UserError


class TestSplits:
    """No image of a test split is ever trained on."""

    @pytest.mark.parametrize(
        ("train", "val", "test"),
        [
            ("Train", "Val", "Test"),
            ("training", "valid", "testing"),
            ("training_set", "validation", "test_set"),
            ("Training Set", "dev", "Test-Set"),
            ("TRAIN", "VALIDATION", "TEST"),
        ],
    )
    def test_are_known_by_their_usual_names(self, train, val, test, tmp_path):
        for name, count in ((train, 6), (val, 4), (test, 3)):
            image_folder(tmp_path / name, {"a": count, "b": count})
        assert counts(tmp_path) == (12, 8, 6)

    def test_two_folders_for_one_are_refused(self, tmp_path):
        for name in ("train", "val", "valid"):
            image_folder(tmp_path / name, {"a": 4, "b": 4})
        assert "both val and valid for its val split" in refusal(tmp_path)

    def test_two_cases_of_one_name_are_refused(self, tmp_path):
        for name in ("train", "Train"):
            image_folder(tmp_path / name, {"a": 4, "b": 4})
        assert "both Train and train" in refusal(tmp_path)

    @pytest.mark.parametrize("names", [("seg_train", "seg_test"), ("train2017", "val2017")])
    def test_by_longer_names_are_refused_rather_than_taken_for_classes(self, names, tmp_path):
        for name in names:
            image_folder(tmp_path / name, {"a": 4, "b": 4})
        message = refusal(tmp_path)
        assert all(name in message for name in names)
        assert "look like splits" in message

    def test_of_unlike_names_and_the_same_classes_are_refused(self, tmp_path):
        image_folder(tmp_path / "my_train", {"a": 4, "b": 4})
        image_folder(tmp_path / "held-out test", {"a": 4, "b": 4})
        assert "look like splits" in refusal(tmp_path)

    def test_inside_the_classes_are_refused(self, tmp_path):
        image_folder(tmp_path, {"cats/train": 4, "cats/test": 2, "dogs/train": 4, "dogs/test": 2})
        message = refusal(tmp_path)
        assert "the splits test, train inside cats" in message
        assert "expected classes inside splits" in message

    def test_inside_one_folder_more_are_found_for_the_user(self, tmp_path):
        for name in ("train", "test"):
            image_folder(tmp_path / "pets" / name, {"a": 4, "b": 4})
        assert f"expected data.path={tmp_path}/pets" in refusal(tmp_path)

    def test_without_labels_beside_classes_are_no_class(self, tmp_path):
        image_folder(tmp_path, {"cats": 4, "dogs": 4, "test": 4})
        assert "no train folder; it has 3 folders (cats, dogs, test)" in refusal(tmp_path)

    def test_without_labels_beside_something_else_are_no_classes(self, tmp_path):
        image_folder(tmp_path, {"train": 4, "test": 4, "docs": 0})
        assert "train has no folders; expected one folder of images a class" in refusal(tmp_path)

    def test_without_images_are_refused(self, tmp_path):
        image_folder(tmp_path, {"train/a": 4, "train/b": 4, "val/a": 0, "val/b": 0})
        assert "has no images in its val split" in refusal(tmp_path)

    def test_beside_a_folder_of_their_classes_are_refused(self, tmp_path):
        image_folder(tmp_path / "train", {"a": 4, "b": 4})
        image_folder(tmp_path / "holdout", {"a": 4, "b": 4})
        message = refusal(tmp_path)
        assert "a, b in train and in or as holdout" in message

    def test_beside_one_of_their_classes_are_refused(self, tmp_path):
        image_folder(tmp_path / "train", {"a": 4, "b": 4})
        image_folder(tmp_path, {"a": 4})
        assert "a in train and in or as a" in refusal(tmp_path)

    def test_beside_which_other_images_lie_are_read_and_the_others_named(self, tmp_path):
        for name in ("train", "test"):
            image_folder(tmp_path / name, {"a": 4, "b": 4})
        image_folder(tmp_path, {"samples": 3})
        found = opened(tmp_path)
        assert counts(tmp_path) == (8, 0, 8)
        assert "left out: folder samples with 3 images, no split" in found.notes

    def test_alone_beside_what_may_be_classes_are_refused(self, tmp_path):
        image_folder(tmp_path, {"train/steam": 4, "train/diesel": 4, "bus": 4, "car": 4})
        assert "train, a split, and beside it bus with 4 images" in refusal(tmp_path)

    def test_without_training_images_say_what_there_is(self, tmp_path):
        image_folder(tmp_path / "test", {"a": 4, "b": 4})
        assert "no train folder; it has 1 folder (test)" in refusal(tmp_path)

    def test_of_one_folder_by_two_names_are_refused(self, tmp_path):
        image_folder(tmp_path / "train", {"a": 4, "b": 4})
        (tmp_path / "test").symlink_to("train")
        assert "the same folder" in refusal(tmp_path)

    def test_with_a_class_that_training_lacks_name_it(self, tmp_path):
        image_folder(tmp_path / "train", {"a": 4, "b": 4})
        image_folder(tmp_path / "val", {"a": 4, "zebra": 4})
        assert "zebra of the val split is not among" in refusal(tmp_path)


class TestTinyImageNet:
    """As downloaded."""

    def download(self, root: Path, lines: int = 4) -> None:
        for name in ("n01443537", "n01629819"):
            image_folder(root / "train" / name, {"images": 3})
            (root / "train" / name / f"{name}_boxes.txt").write_text("0 0 1 1\n")
        image_folder(root / "val", {"images": 4})
        annotations = [f"{i}.png\tn0{(1443537, 1629819)[i % 2]}\t0\t0\t9\t9" for i in range(lines)]
        (root / "val" / "val_annotations.txt").write_text("\n".join(annotations))
        image_folder(root / "test", {"images": 5})

    def test_is_read(self, tmp_path):
        self.download(tmp_path)
        found = opened(tmp_path)
        assert found.classes == ("n01443537", "n01629819")
        assert counts(tmp_path) == (6, 4, 0)
        assert list(found.val.labels) == [0, 0, 1, 1]
        assert found.val.where(2).endswith("val/images/1.png")
        assert any("the 5 images of test have no labels" in note for note in found.notes)

    def test_names_an_image_that_its_list_lacks(self, tmp_path):
        self.download(tmp_path, lines=3)
        with pytest.raises(UserError, match=r"val_annotations\.txt: no line for 3\.png"):
            opened(tmp_path)


class TestTestSplitsWithoutLabels:
    """Count as none, and it is said."""

    @pytest.mark.parametrize("inner", ["", "unknown", "images"])
    def test_lie_flat_or_in_one_folder(self, inner, tmp_path):
        image_folder(tmp_path / "train", {"a": 10, "b": 10})
        image_folder(tmp_path / "test", {inner or ".": 7} if inner else {})
        if not inner:
            (tmp_path / "test").mkdir()
            for index in range(7):
                (tmp_path / "test" / f"{index}.png").write_bytes(encoded(index))
        found = opened(tmp_path)
        assert counts(tmp_path) == (20, 0, 0)
        assert len(found.test) == 4
        assert "the 7 images of test have no labels and count as none" in found.notes[0]

    def test_are_not_those_of_a_single_known_class(self, tmp_path):
        image_folder(tmp_path / "train", {"a": 5, "b": 5})
        image_folder(tmp_path / "test", {"a": 2})
        assert counts(tmp_path) == (10, 0, 2)

    def test_are_not_validation_splits(self, tmp_path):
        image_folder(tmp_path / "train", {"a": 5, "b": 5})
        (tmp_path / "val").mkdir()
        (tmp_path / "val" / "0.png").write_bytes(encoded(0))
        assert "val has no folders; expected one folder of images a class" in refusal(tmp_path)
