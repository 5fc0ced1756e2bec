"""What data are, and what is said of them: their content, not their place."""

import dataclasses
import shutil

import numpy as np
import pytest
from PIL import Image

from nas.data.dataset import identity, splits, verify
from nas.data.folders import ImageFolder
from nas.data.image_rows import Parquet
from nas.data.report import data_report
from nas.data.sources import Digits, Source, Split, Splits
from nas.evaluators.scored import ScoredEvaluator
from nas.evaluators.zero_cost import ZeroCostEvaluator
from nas.executors.base import Executor
from nas.executors.local import InProcess
from nas.runs.folder import RunFolder
from nas.verbs.evaluation import say_data, started
from pictures import encoded, image_folder, parquet
from quick import QUICK
from search_spaces.errors import UserError


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path_factory.mktemp("cache"))


def of(path, **options: object) -> dict[str, object]:
    """The identity of a folder as it is now."""
    identity.cache_clear()
    splits.cache_clear()
    return dict(identity(ImageFolder(name="x", path=str(path), **options)))


def said(source: Source, resolution: int = 8) -> list[str]:
    """Lines on what a source holds."""
    return data_report(splits(source), verify(source, resolution)).splitlines()


class TestIdentity:
    def test_counts_and_a_digest_and_no_path(self, tmp_path):
        root = image_folder(tmp_path / "pets", {"train/a": 5, "train/b": 6, "test/a": 2})
        known = of(root)
        digest = known.pop("digest")
        assert known == {"classes": 2, "train": 11, "test": 2}
        assert len(str(digest)) == 16
        assert str(tmp_path) not in str(of(root))

    def test_is_the_same_of_a_copy_and_by_any_spelling(self, tmp_path, monkeypatch):
        root = image_folder(tmp_path / "pets", {"a": 5, "b": 6})
        shutil.copytree(root, tmp_path / "elsewhere" / "animals")
        monkeypatch.chdir(tmp_path)
        spelt = ("pets", "pets/", "./pets", str(root), "elsewhere/animals")
        assert all(of(path) == of(root) for path in spelt)

    def test_is_another_for_other_pictures_of_equal_number(self, tmp_path):
        root = image_folder(tmp_path / "pets", {"a": 5, "b": 5})
        before = of(root)
        other = bytearray(encoded(0))
        other[-20] ^= 1  # as large as before
        (root / "a" / "0.png").write_bytes(other)
        assert of(root) != before

    def test_is_another_for_other_classes_and_labels(self, tmp_path):
        root = image_folder(tmp_path / "pets", {"a": 5, "b": 5})
        before = of(root)
        (root / "b").rename(root / "c")
        renamed = of(root)
        assert renamed != before
        (root / "a" / "0.png").rename(root / "c" / "9.png")
        assert of(root) != renamed

    def test_does_not_depend_on_how_the_images_are_split(self, tmp_path):
        root = image_folder(tmp_path / "pets", {"a": 9, "b": 9})
        assert of(root) == of(root, seed=3, val_fraction=0.5, limit=10, memory=0.0)

    def test_of_a_table_is_that_of_a_folder_of_the_same_files(self, tmp_path):
        root = image_folder(tmp_path / "pets", {"0": 4, "1": 4})
        images = [encoded(i) for i in (0, 1, 2, 3) * 2]
        path = parquet(tmp_path / "x.parquet", image=images, label=[0] * 4 + [1] * 4)
        assert identity(Parquet(name="x", path=str(path))) == of(root)

    def test_of_a_table_is_another_for_other_bytes(self, tmp_path):
        one = parquet(tmp_path / "a.parquet")
        other = parquet(tmp_path / "b.parquet", image=[encoded(i + 1) for i in range(20)])
        known = [identity(Parquet(name="x", path=str(path))) for path in (one, other)]
        assert known[0] != known[1]

    def test_of_a_source_of_ones_own_is_of_its_pixels(self):
        @dataclasses.dataclass(frozen=True)
        class Plain:
            shade: int
            name: str = "plain"
            mirror: bool = False
            memory: float = 1.0

            def open(self) -> Splits:
                part = Split(
                    np.array([0, 1]),
                    np.array([0, 1]),
                    lambda position: Image.new("L", (4, 4), self.shade + position),
                    str,
                )
                return Splits(("a", "b"), part, part, part)

        assert identity(Plain(1)) == dict(identity(Plain(1)))
        assert identity(Plain(1)) != identity(Plain(2))

    def test_of_the_digits_stays(self):
        assert identity(Digits()) == {
            "classes": 10,
            "train": 1797,
            "digest": identity(Digits(seed=5))["digest"],
        }

    def test_of_an_evaluator_is_all_that_its_accuracy_depends_on(self, tmp_path):
        root = image_folder(tmp_path / "pets", {"a": 9, "b": 9})
        shutil.copytree(root, tmp_path / "animals")
        here, there = (
            dataclasses.replace(QUICK, data=ImageFolder(name=path.name, path=str(path)))
            for path in (root, tmp_path / "animals")
        )
        assert here.identity() == there.identity()
        assert here.identity()["data"]["digest"] == of(root)["digest"]
        assert here.identity()["recipe"]["lr"] == QUICK.recipe.lr
        for change in ({"epochs": 7}, {"width": 0.5}, {"threads": 2}):
            assert dataclasses.replace(here, **change).identity() != here.identity()
        for change in ({"seed": 1}, {"limit": 9}, {"val_fraction": 0.5}, {"mirror": False}):
            data = dataclasses.replace(here.data, **change)
            assert dataclasses.replace(here, data=data).identity() != here.identity()
        roomy = dataclasses.replace(here.data, memory=2.0, megapixels=999.0)
        assert dataclasses.replace(here, data=roomy).identity() == here.identity()

    def test_of_evaluators_of_two_kinds_differ(self):
        scores = ZeroCostEvaluator(data=QUICK.data, resolution=12, base_resolution=64)
        both = ScoredEvaluator(trained=QUICK, untrained=scores)
        assert scores.identity()["scores"] == ["grad_norm"]
        assert both.identity()["trained"] == QUICK.identity()
        assert both.identity()["untrained"] == scores.identity()

    def test_stands_beside_accuracies(self):
        assert QUICK.describe()["data digest"] == identity(QUICK.data)["digest"]


class TestFound:
    def test_is_images_classes_sizes_and_splits(self, tmp_path):
        root = image_folder(tmp_path, {"birds": 30, "cats": 40, "dogs": 30})
        Image.new("RGB", (900, 70)).save(root / "dogs" / "0.png")
        lines = said(ImageFolder(name="x", path=str(root)))
        assert lines == [
            "data: 100 images of 3 classes (birds 30, cats 40, dogs 30), 20–900 px; train 69, "
            "validation 17, test 14; validation's standard error up to 12.1 points; "
            "data.folds=5 with five seeds (search.seeds=5, sweep=grid sweep.seeds=5, or seeds=5 of "
            "an ablation) validates on all that are searched with"
        ]

    def test_of_many_classes_names_a_few(self):
        with_limit = said(Digits(limit=100))[0]
        assert with_limit.startswith("data: 369 of 1,797 images of 10 classes (0 37, 1 37, ")
        assert "8 px; train 50, validation 50, test 269; " in with_limit

    def test_says_that_classes_are_unequal(self, tmp_path):
        root = image_folder(tmp_path, {"cats": 44, "dogs": 4})
        line = said(ImageFolder(name="x", path=str(root)))[1]
        assert "classes are unequal: 44 images of cats for 4 of dogs" in line

    def test_says_what_evaluations_lack(self, tmp_path):
        image_folder(tmp_path, {"train/a": 5, "train/b": 5, "val/a": 3, "test/b": 3})
        lines = said(ImageFolder(name="x", path=str(tmp_path)))
        assert "data: validation has no images of b" in lines
        assert "data: test has no images of a" in lines

    def test_says_once_what_pictures_were_made_of(self, tmp_path):
        root = image_folder(tmp_path, {"a": 4, "b": 4})
        Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(root / "a" / "clear.png")
        Image.new("LA", (8, 8), (0, 9)).save(root / "b" / "clear.png")
        deep = Image.fromarray(np.full((8, 8), 4095, np.uint16))
        deep.save(root / "b" / "deep.png")
        frames = [Image.new("L", (8, 8), shade) for shade in (0, 255)]
        frames[0].save(root / "b" / "film.gif", save_all=True, append_images=frames[1:])
        lines = said(ImageFolder(name="x", path=str(root)))
        assert "data: 2 images with transparency, put on white" in lines
        deep_line = "data: 1 image of 16 bits, brought to 8 by 1/257; the brightest pixel is 4,095"
        assert f"{deep_line} of 65,535" in lines
        assert "data: 1 image of several frames, the first is read" in lines

    def test_is_on_the_terminal_before_anything_trains_and_once(self, tmp_path, capsys):
        root = image_folder(tmp_path, {"a": 8, "b": 8})
        (root / "a" / "notes\x1b[2J.txt").touch()
        data = ImageFolder(name="x", path=str(root))
        evaluators = [dataclasses.replace(QUICK, data=data, epochs=epochs) for epochs in (1, 2)]
        say_data(*evaluators)
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("data: 16 images of 2 classes (a 8, b 8), 20–30 px; train 12, ")
        assert err.count("left out: 1 file that is no image (a/notes\\x1b[2J.txt)") == 1
        assert len(err.splitlines()) == 2

    def test_waits_until_workers_are_known_to_start(self, tmp_path, capsys):
        folder = RunFolder(tmp_path)

        def refusing() -> Executor:
            raise UserError("ray.cpus: more than there is")

        with pytest.raises(UserError, match=r"ray\.cpus"), started(refusing, folder, QUICK, {}):
            pass
        assert capsys.readouterr().err == ""
        with started(lambda: InProcess(QUICK), folder, QUICK, {}) as workers:
            assert isinstance(workers, InProcess)
        assert capsys.readouterr().err.startswith("data: ")
