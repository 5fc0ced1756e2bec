"""Cross-validation: seeds as folds, so that few images are all validated on."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from nas.cli import main
from nas.data.dataset import Kept, fold, load
from nas.data.shared import SharedImages
from nas.data.sources import Digits
from nas.evaluators.proxy import ProxyEvaluator
from search_spaces.errors import UserError
from search_spaces.zoo import zoo

SMALL = Digits(limit=300)


def images(part) -> list[bytes]:
    assert isinstance(part.pixels, Kept)
    return [bytes(image.numpy().tobytes()) for image in part.pixels.images]


def test_every_image_is_held_out_once() -> None:
    data = load(SMALL, 8)
    held = [fold(data, index, 5) for index in range(5)]
    everything = sorted(images(data.train) + images(data.val))
    assert sorted(image for each in held for image in images(each.val)) == everything
    for each in held:
        assert sorted(images(each.train) + images(each.val)) == everything
        assert len(each.val) == 60
        assert torch.bincount(each.val.labels, minlength=10).min() >= 4


def test_a_seed_has_its_fold_with_shared_images_too() -> None:
    evaluator = ProxyEvaluator(data=replace(SMALL, folds=3), resolution=32, epochs=1)
    shared = evaluator.with_data(SharedImages.of(load(evaluator.data, 32)))
    arch = zoo("efficientnet_b0")
    for seed in (0, 1, 3):
        own = evaluator.evaluate(arch, seed, lambda epoch, accuracy: None)
        assert shared.evaluate(arch, seed, lambda epoch, accuracy: None) == own
    assert evaluator.describe()["validation images"] == 100
    assert evaluator.identity() != replace(evaluator, data=SMALL).identity()


def test_what_cannot_be_folded_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"data\.folds: expected at least 1, got 0"):
        load(replace(SMALL, folds=0), 8)
    with pytest.raises(UserError, match=r"data\.folds: .*do not fit in data\.memory"):
        fold(load(replace(SMALL, memory=0.0), 8), 0, 2)


def test_the_error_of_few_images_stands_beside_the_accuracy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    quick = ["evaluator.epochs=1", "evaluator.resolution=32", "search.workers=1", "sampler=random"]
    main(["search", "run=r", "data.limit=200", "search.trials=1", *quick])
    printed = capsys.readouterr()
    assert "± 0.0" in printed.out
    assert "(of 100 images)" in printed.out
    assert "(of 100 images)" in printed.err
    assert "data.folds=5 with five seeds (search.seeds=5, sweep=grid sweep.seeds=5" in printed.err
    folded = ["data.folds=2", "search.seeds=2"]
    main(["search", "run=s", "data.limit=200", "search.trials=1", *quick, *folded])
    assert "(of " not in capsys.readouterr().out
