"""Whole trainings: they learn, go on after a kill to the same bit, and say what goes wrong."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from nas.networks.trained import load_trained, read_card
from nas.statistics.intervals import Interval
from nas.training.accuracy import Answers
from nas.training.checkpoint import Checkpoints
from nas.training.evaluation import Evaluation, evaluation
from nas.training.learner import Learner, step_seed
from nas.training.outcomes import TrainingFailed
from nas.training.train import train
from search_spaces.errors import UserError
from search_spaces.yaml_io import load_arch
from whole_training import RECIPE, STEPS, Interrupted, Listener, digest, plan

SUPPORT = Path(__file__).parents[2] / "support"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    train(plan(), folder, Listener())
    return folder


def interrupted(folder: Path, after: int, **changes: object) -> None:
    with pytest.raises(Interrupted):
        train(plan(**changes), folder, Listener(stop=after))


def test_it_leaves_weights_and_what_they_are_of(undisturbed: Path) -> None:
    network, card = load_trained(undisturbed)
    assert card.arch == load_arch(str(undisturbed / "network.yaml")) == network.arch
    assert card.classes == tuple("0123456789")
    assert (card.epochs, card.recipe["lr"], card.seed) == (3, 0.02, 3)
    assert not (undisturbed / "checkpoint").exists()
    assert {path.name for path in undisturbed.iterdir()} >= {
        "weights.safetensors", "network.yaml", "settings.yaml", "log.jsonl", "README.md",
    }  # fmt: skip


def test_the_minival_picks_the_epoch_and_the_test_images_are_others(undisturbed: Path) -> None:
    rows = [json.loads(line) for line in (undisturbed / "log.jsonl").read_text().splitlines()]
    card = read_card(undisturbed / "weights.safetensors")
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    best = max(rows, key=lambda row: (row["minival"], row["epoch"]))
    assert (card.best_epoch, card.minival) == (best["epoch"], best["minival"])
    assert card.test is not None
    assert card.test.images == len(plan().splits.test)
    assert card.test.top5 is not None
    assert card.test.top5.value >= card.test.accuracy.value


def test_it_learns(tmp_path: Path) -> None:
    easy = replace(RECIPE, epochs=8, mixup=0.0, erasing=0.0, crop_scale=1.0, drop_path=0.0)
    card = train(plan(easy), tmp_path, Listener())
    assert card.test is not None
    assert card.test.accuracy.low > 0.3


@pytest.mark.parametrize("seconds", [0.0, 1000.0])
def test_a_training_interrupted_anywhere_ends_in_the_same_weights(
    undisturbed: Path, tmp_path: Path, seconds: float
) -> None:
    for after in (1, STEPS - 1, STEPS + 1):
        interrupted(tmp_path, after, checkpoint_seconds=seconds)
    heard = Listener()
    train(plan(), tmp_path, heard)
    assert digest(tmp_path) == digest(undisturbed)
    assert heard.said == [f"goes on after epoch 1, step {0 if seconds else STEPS - 1}"]


def test_other_threads_go_on_and_say_what_that_costs(tmp_path: Path) -> None:
    interrupted(tmp_path, STEPS + 1, checkpoint_seconds=0.0)
    heard = Listener()
    train(plan(threads=2), tmp_path, heard)
    _, line = heard.said
    assert line.startswith("it computed with threads=1 so far, and does with threads=2 now: ")


@pytest.mark.parametrize("batch_size", [33, 39, 100])
def test_an_epoch_learns_from_every_image_whatever_the_batch(
    tmp_path: Path, batch_size: int
) -> None:
    recipe = replace(RECIPE, batch_size=batch_size, epochs=2)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    heard = Listener()
    train(plan(recipe), whole, heard)
    asked = plan(recipe)
    steps = asked.training_images().steps
    assert heard.steps == 2 * steps
    assert steps * asked.smallest_batch <= 160 <= steps * asked.batch_size <= steps * batch_size
    with pytest.raises(Interrupted):
        train(plan(recipe, checkpoint_seconds=0.0), parts, Listener(stop=steps + 1))
    train(plan(recipe), parts, Listener())
    assert digest(parts) == digest(whole)


def test_a_killed_training_ends_in_the_same_weights_to_the_bit(
    undisturbed: Path, tmp_path: Path
) -> None:
    command = [sys.executable, SUPPORT / "whole_training.py", tmp_path, str(STEPS + 2)]
    killed = subprocess.run(command, check=False, timeout=120)
    assert killed.returncode == -signal.SIGKILL
    train(plan(), tmp_path, Listener())
    assert digest(tmp_path) == digest(undisturbed)


@pytest.mark.parametrize("file", [1, 2, 3, 4])
def test_an_end_while_a_checkpoint_is_written_loses_nothing(
    undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: int
) -> None:
    """Each epoch writes a state, the best weights, what is of them, and the log."""
    interrupted(tmp_path, STEPS + 1)
    own, replaced = os.replace, [0]

    def end(source: str, target: str) -> None:
        replaced[0] += 1
        if replaced[0] == file:
            raise Interrupted
        own(source, target)

    with monkeypatch.context() as ending:
        ending.setattr("os.replace", end)
        with pytest.raises(Interrupted):
            train(plan(), tmp_path, Listener())
    train(plan(), tmp_path, Listener())
    assert digest(tmp_path) == digest(undisturbed)


def test_what_is_drawn_depends_on_the_step_alone() -> None:
    seeds = {step_seed(s, e, n, r) for s in (0, 1) for e in (0, 1) for n in (0, 1) for r in (0, 1)}
    assert len(seeds) == 16
    assert step_seed(3, 1, 2, 0) == step_seed(3, 1, 2, 0)


def test_a_training_that_has_ended_may_be_ended_again(undisturbed: Path, tmp_path: Path) -> None:
    """As after a kill between the weights and the end: the test images give the same answer."""
    interrupted(tmp_path, 3 * STEPS)
    first = train(plan(), tmp_path, Listener())
    assert first == read_card(undisturbed / "weights.safetensors")


def test_a_loss_that_is_no_number_names_the_step_and_what_to_try(tmp_path: Path) -> None:
    wild = replace(RECIPE, lr=1e30, warmup_epochs=0.0, optimizer="sgd", clip_grad=None)
    with pytest.raises(TrainingFailed, match=r"loss is (nan|inf) in epoch 1, step \d of 4: try a"):
        train(plan(wild), tmp_path, Listener())


def test_weights_that_are_no_numbers_after_the_last_step_are_not_kept(tmp_path: Path) -> None:
    """The loss is met before a step: that of an epoch's only one tells nothing of what it did."""
    wild = replace(RECIPE, lr=1e38, warmup_epochs=0.0, batch_size=200, epochs=1, clip_grad=None)
    with pytest.raises(TrainingFailed, match=r"weights .* after epoch 1, step 1 of 1: try a"):
        train(plan(wild), tmp_path, Listener())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("held", ["minival", "test"])
def test_a_damaged_image_that_is_held_out_is_told_before_the_first_step(
    tmp_path: Path, held: str
) -> None:
    found = plan().splits
    last = int(getattr(found, held).positions[-1])

    def read(position: int) -> Image.Image:
        if position == last:
            raise OSError("image file is truncated")
        return found.train.read(position)

    damaged = replace(getattr(found, held), read=read)
    heard = Listener()
    with pytest.raises(UserError, match=f"digits, image {last}: .* truncated"):
        train(plan(splits=replace(found, **{held: damaged})), tmp_path, heard)
    assert heard.steps == 0
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("damage", ["cut", "garbled", "gone", "nonsense"])
def test_a_damaged_checkpoint_is_told_in_one_line(tmp_path: Path, damage: str) -> None:
    interrupted(tmp_path, STEPS + 1)
    (state,) = (tmp_path / "checkpoint").glob("state-*.safetensors")
    if damage == "cut":
        state.write_bytes(state.read_bytes()[:-100])
    elif damage == "garbled":
        state.write_bytes(state.read_bytes()[:-1] + b"\x99")
    elif damage == "gone":
        state.unlink()
    else:
        state = tmp_path / "checkpoint" / "standing.json"
        state.write_text('{"standing": 3}')
    before = {path: path.read_bytes() for path in (tmp_path / "checkpoint").iterdir()}
    with pytest.raises(UserError) as caught:
        train(plan(), tmp_path, Listener())
    assert str(caught.value).startswith(f"{state}: the checkpoint is damaged; put the file back")
    assert {path: path.read_bytes() for path in (tmp_path / "checkpoint").iterdir()} == before


def test_a_full_disk_leaves_the_checkpoint_before(
    undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted(tmp_path, STEPS + 1)
    with monkeypatch.context() as full:

        def refuse(*_: object) -> bytes:
            raise OSError(28, "No space left on device")

        full.setattr("os.fsync", refuse)
        with pytest.raises(OSError, match="No space left") as caught:
            train(plan(), tmp_path, Listener())
    assert "checkpoint" in str(caught.value.filename)
    train(plan(), tmp_path, Listener())
    assert digest(tmp_path) == digest(undisturbed)


def test_a_disk_that_is_full_from_the_first_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", refuse)
    with pytest.raises(OSError, match="No space left"):
        train(plan(), tmp_path, Listener())
    assert not list(tmp_path.iterdir())


def test_want_of_memory_divides_the_batch_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Learner.step

    def step(self: Learner, *arguments: object) -> object:
        if self.parts < 2:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return own(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Learner, "step", step)
    heard = Listener(stop=STEPS + 1)
    with pytest.raises(Interrupted):
        train(plan(), tmp_path, heard)
    assert heard.said == ["out of memory: batches of 40 go on in 2 parts"]
    # What goes on knows of it.
    assert Checkpoints(tmp_path).standing().parts == 2
    train(plan(), tmp_path, again := Listener())
    assert again.said == ["goes on after epoch 1, step 0"]


def test_without_a_minival_the_last_epoch_counts(tmp_path: Path) -> None:
    card = train(plan(replace(RECIPE, minival=0.0, epochs=2)), tmp_path, Listener())
    assert (card.best_epoch, card.minival) == (2, None)


def test_the_epoch_is_picked_by_what_the_data_are_judged_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = iter([(0.5, 0.3), (0.4, 0.6), (0.6, 0.5), (0.7, 0.2)])

    def judge(found: Answers, classes: int) -> Evaluation:
        each = evaluation(found, classes)
        top1, per_class = (Interval(value, value, value) for value in next(told))
        return replace(each, accuracy=top1, mean_per_class=per_class)

    monkeypatch.setattr("nas.training.train.evaluation", judge)
    card = train(plan(metric="mean_per_class"), tmp_path, Listener())
    assert (card.metric, card.best_epoch, card.minival) == ("mean_per_class", 2, 0.6)
    assert card.worth is not None
    assert card.worth.value == 0.2


def test_the_time_left_is_told_after_a_few_steps(tmp_path: Path) -> None:
    heard = Listener(stop=STEPS + 3)
    with pytest.raises(Interrupted):
        train(plan(), tmp_path, heard)
    # Three steps are cold, and as many more tell how long one takes; an epoch's end is told too.
    told = [now.seconds_left is not None for now in heard.told]
    assert told == [False] * 6 + [True] * 2
