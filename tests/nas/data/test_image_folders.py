"""Folders of images as people have them: what is a split, what a class, what is left out."""

import os
import shutil
from pathlib import Path

import pytest

from image_folders import counts, opened, refusal
from nas.data.folders import ImageFolder
from pictures import encoded, image_folder, picture
from search_spaces.errors import UserError


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


class TestClasses:
    """The folder directly under the split is the class."""

    def test_hold_whatever_lies_below_them(self, tmp_path):
        image_folder(
            tmp_path, {"cats/batch1": 3, "cats/batch2": 2, "dogs/batch1": 4, "dogs/x/y": 1}
        )
        (tmp_path / "cats" / "own.png").write_bytes(encoded(1))
        found = opened(tmp_path)
        assert found.classes == ("cats", "dogs")
        assert sum(len(part) for part in (found.train, found.val, found.test)) == 11
        assert any("cats/batch1, cats/batch2, dogs/batch1" in note for note in found.notes)

    def test_may_be_called_train(self, tmp_path):
        image_folder(tmp_path, {"bus": 4, "car": 4, "train": 4})
        assert opened(tmp_path).classes == ("bus", "car", "train")

    def test_are_no_patterns(self, tmp_path):
        for name in ("pets[v1]", "petsv", "pets*", "pets1"):
            image_folder(tmp_path / name, {"[a]": 3, "b?": 3})
        for name in ("pets[v1]", "pets*"):
            assert opened(tmp_path / name).classes == ("[a]", "b?")
            assert counts(tmp_path / name) == (6, 0, 0)

    def test_may_begin_with_underscores(self, tmp_path):
        assert opened(image_folder(tmp_path, {"__a": 3, "b": 3})).classes == ("__a", "b")

    def test_may_be_links(self, tmp_path):
        image_folder(tmp_path / "elsewhere", {"cats": 5})
        image_folder(tmp_path / "x", {"dogs": 4})
        (tmp_path / "x" / "cats").symlink_to(tmp_path / "elsewhere" / "cats")
        assert opened(tmp_path / "x").classes == ("cats", "dogs")
        assert counts(tmp_path / "x") == (9, 0, 0)

    def test_without_images_are_none_and_named(self, tmp_path):
        image_folder(tmp_path, {"a": 3, "b": 3, "labels": 0})
        found = opened(tmp_path)
        assert found.classes == ("a", "b")
        assert "without images, and so no classes: labels" in found.notes

    def test_inside_one_folder_more_are_found_for_the_user(self, tmp_path):
        image_folder(tmp_path / "pets", {"cats": 3, "dogs": 3})
        (tmp_path / "__MACOSX").mkdir()
        message = refusal(tmp_path)
        assert "one class (pets)" in message
        assert f"data.path={tmp_path}/pets" in message

    def test_keep_control_characters_from_the_terminal(self, tmp_path):
        image_folder(tmp_path, {"cats\x1b[31m": 3, "dogs\u202e": 1})
        (tmp_path / "cats\x1b[31m" / "a\x1b]0;b\x07.txt").touch()
        assert "\x1b" not in refusal(tmp_path)
        assert "dogs\\u202e" in refusal(tmp_path)
        image_folder(tmp_path / "dogs\u202e", {"more": 3})
        assert any("a\\x1b]0;b\\x07.txt" in note for note in opened(tmp_path).notes)


class TestStrangers:
    """What is no image is left out, counted and named."""

    def notes(self, root: Path) -> str:
        return " | ".join(opened(root).notes)

    def test_metadata_files_decide_nothing(self, tmp_path):
        image_folder(tmp_path, {"cats": 3, "dogs": 3})
        (tmp_path / "cats" / "metadata.jsonl").write_text('{"file_name": "0.png", "label": 7}\n')
        (tmp_path / "metadata.csv").write_text("file_name,label\ncats/0.png,9\n")
        (tmp_path / "dogs" / "more.zip").write_bytes(b"PK\x03\x04")
        assert opened(tmp_path).classes == ("cats", "dogs")
        assert "3 files that are no images (cats/metadata.jsonl, " in self.notes(tmp_path)

    def test_files_of_any_suffix_that_are_images_are_read(self, tmp_path):
        image_folder(tmp_path, {"a": 3, "b": 3})
        picture(0).save(tmp_path / "a" / "photo.jfif", "jpeg")
        picture(0).save(tmp_path / "a" / "photo.jfi", "jpeg")
        picture(0).save(tmp_path / "a" / "photo", "jpeg")
        picture(0).save(tmp_path / "b" / "d41d8cd98f00b204", "webp")
        picture(0).save(tmp_path / "b" / "photo.JPG.download", "png")
        picture(0).save(tmp_path / "b" / "photo.TIF", "tiff")
        assert counts(tmp_path) == (12, 0, 0)
        assert opened(tmp_path).notes == ()

    def test_what_pillow_does_not_read_is_named(self, tmp_path):
        image_folder(tmp_path, {"a": 3, "b": 3})
        (tmp_path / "a" / "photo.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
        (tmp_path / "a" / "drawing.eps").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n")
        assert "saved as JPEG or PNG (a/drawing.eps, a/photo.heic)" in self.notes(tmp_path)
        (tmp_path / "d").mkdir()
        (tmp_path / "d" / "photo.heic").write_bytes(bytes(40))
        with pytest.raises(UserError, match="d: a class of 1 picture that cannot be decoded"):
            self.notes(tmp_path)

    def test_of_many_the_first_are_named(self, tmp_path):
        image_folder(tmp_path, {"a": 3, "b": 3})
        for index in range(1200):
            (tmp_path / "b" / f"{index:04}.txt").touch()
        expected = (
            "1,200 files that are no images (b/0000.txt, b/0001.txt, b/0002.txt and 1,197 more)"
        )
        assert expected in self.notes(tmp_path)

    def test_links_to_nothing_and_hidden_files_are_named(self, tmp_path):
        image_folder(tmp_path, {"a": 3, "b": 3})
        (tmp_path / "a" / "gone.png").symlink_to("/nowhere/gone.png")
        (tmp_path / "a" / "self.png").symlink_to("self.png")
        (tmp_path / "a" / "._0.png").write_bytes(b"Mac")
        (tmp_path / ".git").mkdir()
        assert "2 links to nothing (a/gone.png, a/self.png)" in self.notes(tmp_path)
        assert "2 hidden (.git, a/._0.png)" in self.notes(tmp_path)

    def test_pipes_are_never_opened(self, tmp_path):
        image_folder(tmp_path, {"a": 3, "b": 3})
        os.mkfifo(tmp_path / "a" / "pipe.png")
        (tmp_path / "b" / "zero.png").symlink_to("/dev/zero")
        assert "2 that are no files (a/pipe.png, b/zero.png)" in self.notes(tmp_path)

    def test_images_beside_the_folders_of_classes_are_of_none(self, tmp_path):
        image_folder(tmp_path, {"a": 3, "b": 3})
        picture(0).save(tmp_path / "cover.png")
        assert "1 image outside the folders of classes (cover.png)" in self.notes(tmp_path)

    def test_a_loop_of_links_is_refused(self, tmp_path):
        image_folder(tmp_path, {"a": 3, "b": 3})
        (tmp_path / "a" / "up").symlink_to(tmp_path)
        assert "a loop of links" in refusal(tmp_path)

    def test_a_folder_that_is_linked_into_another_class_is_refused(self, tmp_path):
        image_folder(tmp_path, {"a": 3, "b": 3})
        (tmp_path / "b" / "more").symlink_to(tmp_path / "a")
        assert "the same folder: one folder by two names" in refusal(tmp_path)


class TestMistakes:
    """Each gives one line that says what and where."""

    def test_a_path_that_is_not_there(self, tmp_path):
        assert f"no such file or folder: {tmp_path}/nowhere" in refusal(tmp_path / "nowhere")

    def test_a_link_to_nothing(self, tmp_path):
        (tmp_path / "x").symlink_to("nowhere")
        assert "no such file or folder" in refusal(tmp_path / "x")

    def test_a_folder_of_one_class(self, tmp_path):
        message = refusal(image_folder(tmp_path / "x", {"cats": 5}))
        assert f"{tmp_path}/x has one class (cats)" in message

    def test_a_folder_of_images_without_classes(self, tmp_path):
        picture(0).save(tmp_path / "a.png")
        assert "one folder of images a class" in refusal(tmp_path)

    def test_train_and_test_folders_of_images_without_classes(self, tmp_path):
        image_folder(tmp_path, {"train": 4, "test": 4})
        assert "train has no folders; expected one folder of images a class" in refusal(tmp_path)

    def test_a_file(self, tmp_path):
        (tmp_path / "pets.zip").write_bytes(b"PK\x03\x04")
        assert "pets.zip is a file; expected a folder" in refusal(tmp_path / "pets.zip")

    def test_folders_without_images(self, tmp_path):
        assert "has no class" in refusal(image_folder(tmp_path, {"cats": 0, "dogs": 0}))

    def test_too_few_images_of_a_class(self, tmp_path):
        message = refusal(image_folder(tmp_path, {"cats": 9, "dogs": 2}))
        assert "2 images of class dogs" in message
        assert "at least 3" in message


def test_spellings_of_a_path_are_one_source(tmp_path, monkeypatch):
    image_folder(tmp_path / "pets", {"a": 3, "b": 3})
    monkeypatch.chdir(tmp_path)
    spelt = {
        ImageFolder(name="x", path=path)
        for path in ("pets", "pets/", "./pets", "../" + tmp_path.name + "/pets")
    }
    assert spelt == {ImageFolder(name="x", path=str(tmp_path / "pets"))}


def test_order_does_not_depend_on_the_disk(tmp_path):
    image_folder(tmp_path / "x", {"b": 12, "a": 12})
    (tmp_path / "y").mkdir()
    for name in ("a", "b"):
        shutil.copytree(tmp_path / "x" / name, tmp_path / "y" / name)
    first, again = opened(tmp_path / "x"), opened(tmp_path / "y")
    names = [first.train.where(i).removeprefix(str(tmp_path / "x")) for i in range(24)]
    assert names == [again.train.where(i).removeprefix(str(tmp_path / "y")) for i in range(24)]
    assert names == sorted(names)
