"""What an evaluator inherits, and what one that is made of others asks them for."""

from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nas.cli import main
from nas.evaluators.base import Evaluator, Measurement, ProgressReport, Report
from nas.evaluators.measured import measured
from nas.evaluators.wrapper import Wrapper
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.zoo import zoo

ARCH = zoo("mobilenet_v2")


class Plain(Evaluator):
    """Says only how accurate a network is."""

    def evaluate(self, arch: Arch, seed: int, report: Report) -> float:
        return 0.5


class Duck:
    """Has all that an evaluator needs but its base class."""

    def evaluate(self, arch: Arch, seed: int, report: Report) -> float:
        return 0.5


class Narrow(Evaluator):
    def evaluate(self, arch: Arch) -> float:  # type: ignore[override]
        return 0.5


@dataclass(frozen=True)
class Unmade(Plain):
    half: int = 20

    def __post_init__(self) -> None:
        raise ValueError("no such half")


class Unfinished(Evaluator):
    """Does not say how accurate anything is."""


@dataclass(frozen=True)
class Part(Evaluator):
    """Tells what it was asked."""

    name: str
    key: str | None = None
    data: str = ""
    reduced: int = 0
    own: str | None = None

    def evaluate(self, arch: Arch, seed: int, report: Report) -> float:
        return 0.5

    def check(self, arch: Arch) -> None:
        if self.name == "strict":
            raise UserError("evaluator.strict: too small")

    def prepare(self, workspace: Path, progress: ProgressReport) -> None:
        if self.name == "strict":
            raise UserError("evaluator.device: cannot use moon, says evaluator.py")
        (workspace / "file").write_text(self.name)

    def data_key(self, arch: Arch) -> str | None:
        return self.key

    def load_data(self, key: Hashable) -> str:
        return f"data of {key}"

    def with_data(self, data: Any) -> "Part":
        return Part(self.name, self.key, data)

    def reduced_memory(self, times: int) -> "Part":
        return Part(self.name, reduced=times)

    def describe(self) -> dict[str, str | int | float]:
        return {"name": self.name}

    def identity(self) -> dict[str, object] | None:
        return None if self.own is None else {"own": self.own}

    def class_names(self) -> tuple[str, ...]:
        return (self.name,)

    def data_summary(self) -> str:
        return f"data: the same\ndata: of {self.name}"


@dataclass(frozen=True, kw_only=True)
class Mean(Wrapper):
    """Averages two evaluators."""

    left: Evaluator
    right: Evaluator
    weights: tuple[float, float] = (0.5, 0.5)

    def evaluate(self, arch: Arch, seed: int, report: Report) -> Measurement:
        parts = zip(self.weights, (self.left, self.right), strict=True)
        each = [w * measured(part, arch, seed, report).accuracy for w, part in parts]
        return Measurement(accuracy=sum(each))


def silent(done: int, total: int, note: str = "") -> None:
    """Nobody listens."""


def test_an_evaluator_needs_nothing_but_evaluate(tmp_path: Path) -> None:
    plain = Plain()
    plain.check(ARCH)
    plain.prepare(tmp_path, silent)
    assert plain.data_key(ARCH) is None
    assert plain.reduced_memory(2) is plain.for_scaled_networks() is plain
    assert plain.for_networks([ARCH]) is plain
    assert (plain.describe(), plain.class_names(), plain.data_summary()) == ({}, (), "")
    assert not plain.exact()
    assert plain.identity() is None


@pytest.mark.parametrize(
    ("name", "line"),
    [
        (
            "Duck",
            "evaluator: expected an Evaluator; Duck does not inherit from "
            "nas.evaluators.base.Evaluator",
        ),
        ("Unfinished", "evaluator: test_evaluator_base.Unfinished: Can't instantiate abstract "),
        (
            "Narrow",
            "evaluator: Narrow.evaluate takes (arch: search_spaces.arch.Arch) -> float; expected "
            "evaluate(self, arch, seed, report)",
        ),
        ("Unmade", "evaluator: test_evaluator_base.Unmade: ValueError: no such half"),
    ],
)
def test_what_is_no_evaluator_is_told_what_to_do(
    name: str, line: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    target = f"evaluator._target_=test_evaluator_base.{name}"
    with pytest.raises(SystemExit) as stopped:
        main(["search", "evaluator=custom", target, f"run={tmp_path / 'r'}"])
    said = capsys.readouterr().err
    assert stopped.value.code == 2
    assert said.startswith(f"nas-search: {line}")
    assert said.count("\n") == 1
    assert not (tmp_path / "r").exists()


def test_a_wrapper_shares_the_data_of_its_parts() -> None:
    both = Mean(left=Part("a", key="x"), right=Part("b", key="y"))
    key = both.data_key(ARCH)
    assert key == ("x", "y")
    given = both.with_data(both.load_data(key))
    assert (given.left, given.right) == (
        Part("a", "x", "data of x"),
        Part("b", "y", "data of y"),
    )
    assert Mean(left=Part("a", key="x"), right=Part("b")).data_key(ARCH) is None


def test_a_wrapper_asks_its_parts_for_all_that_it_does_not_say_itself(tmp_path: Path) -> None:
    both = Mean(left=Part("a", own="1"), right=Part("b", own="2"))
    assert both.reduced_memory(3).right == Part("b", reduced=3)
    assert both.describe() == {"name": "a"}
    assert both.class_names() == ("a",)
    assert both.data_summary() == "data: the same\ndata: of a\ndata: of b"
    assert both.for_scaled_networks() == both
    assert both.identity() == {
        "kind": "test_evaluator_base.Mean",
        "left": {"own": "1"},
        "right": {"own": "2"},
        "weights": [0.5, 0.5],
    }
    both.prepare(tmp_path, silent)
    assert (tmp_path / "right" / "file").read_text() == "b"


def test_a_wrapper_of_what_its_settings_identify_is_identified_by_its_own() -> None:
    assert Mean(left=Part("a", own="1"), right=Part("b")).identity() is None


def test_a_wrapper_refuses_what_one_part_refuses(tmp_path: Path) -> None:
    both = Mean(left=Part("a"), right=Part("strict"))
    with pytest.raises(UserError, match="too small"):
        both.check(ARCH)
    said = r"^evaluator\.right\.device: cannot use moon, says evaluator\.py$"
    with pytest.raises(UserError, match=said):
        both.prepare(tmp_path, silent)
    assert not (tmp_path / "right").exists()
