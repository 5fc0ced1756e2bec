"""What a method that breaks its promise says: one line, with its place, and nothing is lost."""

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nas.cli import main
from nas.evaluators import asked
from nas.evaluators.base import Evaluator, Report
from nas.evaluators.faults import EvaluatorFailed
from nas.evaluators.wrapper import Wrapper
from nas.executors.base import Job, run_job
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.zoo import zoo

ARCH = zoo("mobilenet_v2")
HERE = Path(__file__).name
METHODS: Mapping[str, Callable[[Evaluator], Any]] = {
    "check": lambda evaluator: asked.check(evaluator, ARCH),
    "describe": asked.description,
    "identity": asked.identity,
    "exact": asked.exact,
    "class_names": asked.class_names,
    "data_summary": asked.data_summary,
    "predict_many": lambda evaluator: asked.predict_many(evaluator, [ARCH]),
    "data_key": lambda evaluator: asked.data_key(evaluator, ARCH),
    "load_data": lambda evaluator: asked.load_data(evaluator, ("key",)),
    "with_data": lambda evaluator: asked.with_data(evaluator, ("data",)),
    "reduced_memory": lambda evaluator: asked.reduced_memory(evaluator, 1),
    "for_scaled_networks": asked.for_scaled_networks,
    "for_networks": lambda evaluator: asked.for_networks(evaluator, [ARCH]),
}
"""What asks for each method."""


@dataclass(frozen=True, kw_only=True)
class Broken(Evaluator):
    """Does in one method what it is told to: raise, or return something."""

    method: str = ""
    raises: BaseException | None = None
    returns: Any = None

    def _do(self, method: str, otherwise: Any) -> Any:
        if method != self.method:
            return otherwise
        if self.raises is not None:
            raise self.raises
        return self.returns

    def evaluate(self, arch: Arch, seed: int, report: Report) -> float:
        return 0.5

    def check(self, arch: Arch) -> None:
        self._do("check", None)

    def describe(self) -> Mapping[str, str | int | float]:
        return self._do("describe", {})  # type: ignore[no-any-return]

    def identity(self) -> Mapping[str, object] | None:
        return self._do("identity", {"kind": "broken"})  # type: ignore[no-any-return]

    def exact(self) -> bool:
        return self._do("exact", False)  # type: ignore[no-any-return]

    def class_names(self) -> tuple[str, ...]:
        return self._do("class_names", ())  # type: ignore[no-any-return]

    def data_summary(self) -> str:
        return self._do("data_summary", "")  # type: ignore[no-any-return]

    def predict_many(self, archs: Sequence[Arch]) -> Sequence[float] | None:
        return self._do("predict_many", None)  # type: ignore[no-any-return]

    def data_key(self, arch: Arch) -> Hashable | None:
        return self._do("data_key", None)  # type: ignore[no-any-return]

    def load_data(self, key: Hashable) -> Any:
        return self._do("load_data", None)

    def with_data(self, data: Any) -> Evaluator:
        return self._do("with_data", self)  # type: ignore[no-any-return]

    def reduced_memory(self, times: int) -> Evaluator:
        return self._do("reduced_memory", self)  # type: ignore[no-any-return]

    def for_scaled_networks(self) -> Evaluator:
        return self._do("for_scaled_networks", self)  # type: ignore[no-any-return]

    def for_networks(self, networks: Sequence[Arch]) -> Evaluator:
        return self._do("for_networks", self)  # type: ignore[no-any-return]


@dataclass(frozen=True, kw_only=True)
class Around(Wrapper):
    """Says itself only how accurate a network is."""

    inner: Evaluator

    def evaluate(self, arch: Arch, seed: int, report: Report) -> float:
        return 0.5


@dataclass(frozen=True, kw_only=True)
class Hollow(Wrapper):
    """Is made of nothing."""

    half: float = 1.0

    def evaluate(self, arch: Arch, seed: int, report: Report) -> float:
        return 0.5


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("error", [ValueError("boom\nand more"), SystemExit(3), RecursionError()])
def test_what_a_method_raises_names_it_with_file_and_line(
    method: str, error: BaseException
) -> None:
    said = rf"^evaluator: Broken\.{method} failed: {type(error).__name__}: .* \({HERE}, line \d+\)$"
    with pytest.raises(EvaluatorFailed, match=said) as failed:
        METHODS[method](Broken(method=method, raises=error))
    assert "in _do" in failed.value.trace


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("error", [UserError("data.path: not there"), KeyboardInterrupt()])
def test_users_mistakes_and_interruptions_pass_as_they_are(
    method: str, error: BaseException
) -> None:
    with pytest.raises(type(error)) as raised:
        METHODS[method](Broken(method=method, raises=error))
    assert raised.value is error


class Mute:
    """Has no text."""

    def __repr__(self) -> str:
        raise ValueError("no text")


@pytest.mark.parametrize(
    ("method", "returns", "shown"),
    [
        ("describe", 5, "5"),
        ("describe", {"a": [1]}, "{'a': [1]}"),
        ("describe", {1: 2}, "{1: 2}"),
        ("describe", None, "None"),
        ("identity", {"net": Mute()}, "an object of class dict"),
        ("identity", {"share": float("nan")}, "{'share': nan}"),
        ("identity", "me", "'me'"),
        ("exact", None, "None"),
        ("exact", "no", "'no'"),
        ("class_names", "cats", "'cats'"),
        ("class_names", (1, 2), "(1, 2)"),
        ("data_summary", None, "None"),
        ("predict_many", [], "[]"),
        ("predict_many", ["high"], "['high']"),
        ("data_key", [1], "[1]"),
        ("with_data", None, "None"),
        ("reduced_memory", 7, "7"),
        ("for_scaled_networks", None, "None"),
        ("for_networks", None, "None"),
    ],
)
def test_what_a_method_may_not_return_names_it_with_file_and_line(
    method: str, returns: Any, shown: str
) -> None:
    said = (
        rf"^evaluator: Broken\.{method} \({HERE}, line \d+\) returned {re.escape(shown)}; expected "
    )
    with pytest.raises(EvaluatorFailed, match=said):
        METHODS[method](Broken(method=method, returns=returns))


def test_numpys_values_become_plain_ones() -> None:
    about = {"images": np.int64(5), "share": np.float64(0.5), "name": np.str_("toy")}
    found = asked.description(Broken(method="describe", returns=about))
    assert found == {"images": 5, "share": 0.5, "name": "toy"}
    assert [type(value) for value in found.values()] == [int, float, str]
    own = {"sizes": np.array([1, 2]), "mean": (0.5, None), "nested": {"on": True}}
    assert asked.identity(Broken(method="identity", returns=own)) == {
        "sizes": [1, 2],
        "mean": [0.5, None],
        "nested": {"on": True},
    }
    assert asked.exact(Broken(method="exact", returns=np.bool_(True))) is True
    predicted = Broken(method="predict_many", returns=np.array([0.25]))
    assert asked.predict_many(predicted, [ARCH]) == [0.25]


@pytest.mark.parametrize("method", [name for name in METHODS if name != "predict_many"])
def test_a_wrapper_names_the_part_that_failed(method: str) -> None:
    around = Around(inner=Broken(method=method, raises=ValueError("boom")))
    with pytest.raises(EvaluatorFailed, match=rf"^evaluator: Broken\.{method} failed: .*{HERE}"):
        METHODS[method](around)


@pytest.mark.parametrize("method", [name for name in METHODS if name != "predict_many"])
def test_a_wrapper_of_nothing_says_what_it_lacks(method: str) -> None:
    with pytest.raises(UserError, match=r"^evaluator: Hollow is made of no evaluator; expected "):
        METHODS[method](Hollow())


def test_a_job_whose_memory_cannot_be_reduced_is_lost_not_failed() -> None:
    broken = Broken(method="reduced_memory", raises=ValueError("boom"))
    outcome = run_job(broken, Job(1, ARCH, (0,), memory_reductions=1))
    assert outcome.lost
    assert outcome.reason.startswith("evaluator: Broken.reduced_memory failed: ValueError: boom")
    assert "in reduced_memory" in outcome.trace


@pytest.fixture
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


class Raising(Broken):
    """Raises in the method that it is given the name of."""

    def _do(self, method: str, otherwise: Any) -> Any:
        if method == self.method:
            raise ValueError("boom")
        return otherwise


def ended(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[object, str]:
    """The exit code of a call that fails, and its last line."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    return stopped.value.code, capsys.readouterr().err.splitlines()[-1]


SEARCH = ("search", "run=r", "sampler=random", "search.trials=2", "search.workers=1")
SWEEP = ("sweep", "run=r", "baseline=mobilenet_v2", "workers=1")
CALLS = {
    "check": SEARCH,
    "describe": SEARCH,
    "identity": SEARCH,
    "exact": SEARCH,
    "class_names": SEARCH,
    "data_summary": SEARCH,
    "for_scaled_networks": SWEEP,
    "for_networks": SWEEP,
}


@pytest.mark.usefixtures("_in_an_empty_folder")
@pytest.mark.parametrize("method", CALLS)
def test_a_call_ends_with_one_line_and_leaves_nothing(
    method: str, capsys: pytest.CaptureFixture[str]
) -> None:
    own = ("evaluator=custom", "evaluator._target_=test_asked.Raising")
    code, line = ended(capsys, *CALLS[method], *own, f"+evaluator.method={method}")
    assert code == 1
    told = f"nas-search: evaluator: Raising.{method} failed: ValueError: boom ({HERE}, line "
    assert line.startswith(told)
    assert not Path("r").exists()


class Stubborn(Evaluator):
    """Cannot even be made."""

    def __init__(self) -> None:
        raise ValueError("boom")

    def evaluate(self, arch: Arch, seed: int, report: Report) -> float:
        return 0.5


@pytest.mark.usefixtures("_in_an_empty_folder")
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Hollow", "evaluator: Hollow is made of no evaluator; expected a frozen dataclass"),
        ("Stubborn", "evaluator: test_asked.Stubborn: ValueError: boom"),
    ],
)
def test_an_evaluator_that_cannot_be_made_is_told_on_one_line(
    name: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    own = ("evaluator=custom", f"evaluator._target_=test_asked.{name}")
    code, line = ended(capsys, *SEARCH, *own)
    assert code == 2
    assert line.startswith(f"nas-search: {said}")
    assert not Path("r").exists()
