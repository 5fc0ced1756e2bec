"""What is made of an evaluator's answer."""

import pytest

from nas.evaluators.base import Evaluator, Measurement, Report
from nas.evaluators.measured import measured
from search_spaces.arch import Arch
from search_spaces.zoo import zoo


class Reporting(Evaluator):
    """Reports three epochs, and gives what it was made with."""

    def __init__(self, answer: Measurement | float) -> None:
        self.answer = answer

    def evaluate(self, arch: Arch, seed: int, report: Report) -> Measurement | float:
        for epoch, accuracy in enumerate((0.25, 0.5, 0.75)):
            report(epoch, accuracy)
        return self.answer


@pytest.mark.parametrize(
    ("answer", "curve"),
    [
        (0.75, (0.25, 0.5, 0.75)),
        (Measurement(accuracy=0.75), (0.25, 0.5, 0.75)),
        (Measurement(accuracy=0.75, curve=(0.5, 0.75)), (0.5, 0.75)),
    ],
)
def test_reported_epochs_are_the_curve_unless_one_is_given(
    answer: Measurement | float, curve: tuple[float, ...]
) -> None:
    found = measured(Reporting(answer), zoo("mobilenet_v1"), 0, lambda epoch, accuracy: None)
    assert (found.accuracy, found.curve) == (0.75, curve)
