"""The figures of an evaluation are those that one computes by hand."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nas.data.loader import Batch
from nas.training.accuracy import Answers, answers, together
from nas.training.evaluation import calibration_error, evaluation

ZERO, ONE = torch.zeros(3), torch.ones(3)


class Telling(nn.Module):
    """Its logits for an image are the table's row of the number that the image's pixels are."""

    def __init__(self, table: Tensor) -> None:
        super().__init__()
        self.table = table

    def forward(self, images: Tensor) -> Tensor:
        return self.table[images[:, 0, 0, 0].long()]


def answered(logits: list[list[float]], labels: list[int], size: int = 2) -> Answers:
    numbers = torch.arange(len(labels))
    pixels = numbers.to(torch.uint8)[:, None, None, None].expand(-1, 4, 4, 3)
    parts = zip(pixels.split(size), torch.tensor(labels).split(size), strict=True)
    batches = [Batch(pixels, labels) for pixels, labels in parts]
    return answers(Telling(torch.tensor(logits)), batches, ZERO, ONE)


SURE, LIKELY = math.log(6), math.log(2)
LOGITS = [
    [SURE, 0, 0],  # 6/8 of class 0
    [SURE, 0, 0],
    [0, LIKELY, 0],  # 2/4 of class 1
    [0, LIKELY, 0],
    [0, 0, SURE],  # 6/8 of class 2
]
LABELS = [0, 1, 1, 0, 0]


def test_accuracy_and_confusion_are_counted() -> None:
    found = evaluation(answered(LOGITS, LABELS), 3)
    assert found.images == 5
    assert found.accuracy.value == 2 / 5
    assert found.confusion.tolist() == [[1, 1, 1], [1, 1, 0], [0, 0, 0]]
    assert found.images_per_class.tolist() == [3, 2, 0]
    assert found.top5 is None


def test_a_class_without_images_is_no_part_of_the_mean_per_class() -> None:
    found = evaluation(answered(LOGITS, LABELS), 3)
    assert found.mean_per_class.value == pytest.approx((1 / 3 + 1 / 2) / 2)
    assert found.of_class(2) is None
    first = found.of_class(0)
    assert first is not None
    assert first.value == pytest.approx(1 / 3)


def test_the_loss_is_the_mean_cross_entropy_in_nats() -> None:
    # Probabilities of the right classes: 6/8, 1/8, 2/4, 1/4, 1/8.
    expected = -sum(map(math.log, (6 / 8, 1 / 8, 2 / 4, 1 / 4, 1 / 8))) / 5
    assert evaluation(answered(LOGITS, LABELS), 3).loss == pytest.approx(expected)


def test_the_interval_is_wilsons() -> None:
    accuracy = evaluation(answered(LOGITS, LABELS), 3).accuracy
    z, n, p = 1.96, 5, 2 / 5
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    assert (accuracy.low, accuracy.high) == pytest.approx((middle - half, middle + half))


def test_classes_of_equally_many_images_are_judged_as_all_images_are() -> None:
    found = evaluation(answered(LOGITS[:4], [0, 1, 1, 0]), 3)
    assert found.by("mean_per_class") == found.by("accuracy") == found.accuracy


def test_the_calibration_error_weighs_bins_by_their_images() -> None:
    # Confidence 0.75 thrice, right once; 0.5 twice, right once.
    expected = 3 / 5 * (0.75 - 1 / 3) + 2 / 5 * (0.5 - 0.5)
    found = evaluation(answered(LOGITS, LABELS), 3).calibration_error
    assert found == pytest.approx(expected, abs=1e-6)


def test_a_bin_has_its_upper_end() -> None:
    confidence = np.array([0.2, 0.2 + 1e-9, 1.0])
    right = np.array([True, False, True])
    # Of five bins: 0.2 is in the first with a gap of 0.8, its neighbour in the second with 0.2.
    assert calibration_error(confidence, right, 5) == pytest.approx((0.8 + 0.2 + 0.0) / 3)


def test_top_5_is_told_of_more_than_five_classes() -> None:
    logits = [[6.0, 5, 4, 3, 2, 1]] * 3
    found = evaluation(answered(logits, [0, 4, 5]), 6)
    assert found.accuracy.value == 1 / 3
    assert found.top5 is not None
    assert found.top5.value == 2 / 3


def test_a_network_that_tells_nothing_apart_is_no_better_than_its_first_class() -> None:
    found = answered([[1.0] * 6] * 6, list(range(6)))
    assert found.predicted.tolist() == [0] * 6
    assert found.before.tolist() == list(range(6))
    assert evaluation(found, 6).accuracy.value == 1 / 6


def test_an_answer_that_is_no_number_is_wrong() -> None:
    found = answered([[math.nan, 0.0], [math.nan, 0.0], [1.0, 0.0]], [0, 1, 0])
    assert found.right() == 1
    judged = evaluation(found, 2)
    assert math.isnan(judged.loss)
    assert math.isnan(judged.calibration_error)


def test_answers_to_parts_of_the_images_add_up() -> None:
    whole = answered(LOGITS, LABELS)
    split = together([answered(LOGITS[:2], LABELS[:2]), answered(LOGITS[2:], LABELS[2:])])
    assert evaluation(split, 3).confusion.tolist() == evaluation(whole, 3).confusion.tolist()
    assert evaluation(split, 3).loss == pytest.approx(evaluation(whole, 3).loss)


def test_a_process_without_a_part_adds_nothing() -> None:
    none = answers(Telling(torch.tensor(LOGITS)), [], ZERO, ONE)
    whole = answered(LOGITS, LABELS)
    assert evaluation(together([none, whole]), 3).loss == evaluation(whole, 3).loss


def test_figures_that_are_no_numbers_are_left_out_of_what_stays() -> None:
    kept = evaluation(answered([[math.nan, 0.0], [1.0, 0.0]], [0, 0]), 2).tested()
    assert (kept.loss, kept.calibration_error, kept.accuracy.value) == (None, None, 0.5)


def test_images_are_normalised_before_they_are_answered() -> None:
    logits = torch.tensor([[0.0, 1.0], [2.0, 0.0]])
    batch = Batch(torch.full((1, 4, 4, 3), 7, dtype=torch.uint8), torch.tensor([0]))
    mean, std = torch.full((3,), 5.0), torch.full((3,), 2.0)
    assert answers(Telling(logits), [batch], mean, std).right() == 1  # (7 - 5) / 2 is row 1
