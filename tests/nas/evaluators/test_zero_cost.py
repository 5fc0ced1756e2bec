"""`evaluator=zero_cost`: scores that repeat, that every network has, and that keep their order."""

import math
import pickle
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from nas.cli import main
from nas.data.folders import ImageFolder
from nas.evaluators.base import EvaluationFailed
from nas.evaluators.scores import SCORES, Pass, ScoreName, grad_norm, jacov, naswot, synflow
from nas.evaluators.zero_cost import ZeroCostEvaluator, combined, squashed
from search_spaces.errors import UserError
from search_spaces.zoo import names, zoo
from toy import prepare


def quiet(epoch: int, accuracy: float) -> None:
    """Nothing is trained."""


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("name", names())
def test_every_network_has_every_score(name: str, score: str) -> None:
    evaluator = ZeroCostEvaluator(scores=(score,), images=4, width=0.25)
    found = evaluator.evaluate(zoo(name), 0, quiet)
    assert 0 < found.accuracy < 1
    assert "not an accuracy" in found.note


@pytest.mark.parametrize("score", SCORES)
def test_scores_repeat_and_leave_torch_as_it_was(score: str) -> None:
    evaluator = ZeroCostEvaluator(scores=(score,), images=8, width=0.25)
    arch = zoo("efficientnet_b0")
    first = evaluator.evaluate(arch, 3, quiet)
    torch.manual_seed(17)
    before = torch.get_rng_state(), torch.get_num_threads()
    again = pickle.loads(pickle.dumps(evaluator)).evaluate(arch, 3, quiet)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert torch.get_num_threads() == before[1]
    assert again == first
    assert evaluator.evaluate(arch, 4, quiet) != first


def test_synflow_of_two_linear_layers_is_what_it_is_by_hand() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(3, 2), nn.ReLU6(), nn.Linear(2, 1))
    with torch.no_grad():
        model[1].weight.copy_(torch.tensor([[1.0, -2.0, 3.0], [-40.0, 50.0, 60.0]]))
        model[1].bias.zero_()
        model[3].weight.copy_(torch.tensor([[-7.0, 8.0]]))
        model[3].bias.zero_()
    # Each layer's weights times their gradients add up to R = 7 · 6 + 8 · 150.
    assert synflow(Pass(model, torch.zeros(1, 3, 1, 1), torch.zeros(1))) == pytest.approx(
        math.log(2 * (7 * 6 + 8 * 150))
    )


def test_naswot_is_the_determinant_of_units_set_alike() -> None:
    model = nn.Sequential(nn.Flatten(), nn.ReLU())
    images = torch.tensor([[1.0, 1, 1], [1, -1, -1], [-1, -1, 1]])[:, :, None, None]
    # Alike: images 0 and 1 in one of three units, 0 and 2 in one, 1 and 2 in one.
    kernel = torch.tensor([[3.0, 1, 1], [1, 3, 1], [1, 1, 3]])
    assert naswot(Pass(model, images, torch.zeros(3))) == pytest.approx(math.log(kernel.det()) / 3)
    assert naswot(Pass(model, images[[0, 0]], torch.zeros(2))) == -math.inf


def test_jacov_prefers_gradients_that_do_not_correlate() -> None:
    torch.manual_seed(0)
    images, linear = torch.randn(6, 3, 4, 4), nn.Sequential(nn.Flatten(), nn.Linear(48, 5))
    curved = nn.Sequential(nn.Flatten(), nn.Linear(48, 64), nn.ReLU(), nn.Linear(64, 5))
    straight, bent = (Pass(model, images, torch.zeros(6)) for model in (linear, curved))
    assert jacov(straight) < jacov(bent)


def test_grad_norm_grows_with_the_error() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(3, 2, bias=False))
    with torch.no_grad():
        model[1].weight.copy_(torch.tensor([[1.0, 0, 0], [0, 0, 0]]))
    image = torch.tensor([[5.0, 0, 0]])[:, :, None, None]
    right, wrong = (grad_norm(Pass(model, image, torch.tensor([label]))) for label in (0, 1))
    assert right < wrong
    assert wrong == pytest.approx(math.log(math.sqrt(2) * 5 / (1 + math.exp(-5))), rel=1e-4)


def test_a_network_without_a_score_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SCORES, "synflow", lambda of: math.inf)
    with pytest.raises(EvaluationFailed, match="synflow is inf"):
        ZeroCostEvaluator(scores=("synflow",)).evaluate(zoo("mnasnet_b1"), 0, quiet)


@given(st.lists(st.integers(-700, 700), unique=True))
def test_squashing_keeps_the_order(found: list[int]) -> None:
    inside = [squashed(value) for value in sorted(found)]
    assert all(0 < value < 1 for value in inside)
    assert inside == sorted(set(inside))


@pytest.mark.parametrize("score", SCORES)
def test_a_higher_score_stands_higher(score: ScoreName) -> None:
    assert combined({score: -1.0}) < combined({score: -0.99}) < combined({score: 50.0})


def test_several_scores_count_by_their_mean() -> None:
    arch, names = zoo("efficientnet_b0"), ("naswot", "grad_norm")
    of = [
        ZeroCostEvaluator(scores=scores, images=8, width=0.25).promise(arch, 0)
        for scores in (names, names[:1], names[1:])
    ]
    assert of[0].value == pytest.approx((of[1].value + of[2].value) / 2)
    assert of[0].note == f"{of[1].note}, {of[2].note}"


def test_images_that_another_process_read_score_alike() -> None:
    evaluator = ZeroCostEvaluator(images=8, width=0.25)
    arch = zoo("efficientnet_b0")
    shared = pickle.loads(pickle.dumps(evaluator.load_data(evaluator.data_key(arch))))
    elsewhere = replace(evaluator, data=ImageFolder(name="x", path="/not/on/this/node"))
    given = elsewhere.with_data(shared)
    assert given.evaluate(arch, 0, quiet) == evaluator.evaluate(arch, 0, quiet)


def test_a_batch_larger_than_the_data_is_a_mistake() -> None:
    with pytest.raises(UserError, match=r"evaluator.images: expected at most .* got 5000"):
        prepare(ZeroCostEvaluator(images=5000))


def test_a_search_by_score_says_that_it_is_none_by_accuracy(
    tmp_path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    main(
        ["search", "evaluator=zero_cost", "evaluator.images=4", "search.trials=3",
         "search.workers=1", f"run={run}"]
    )  # fmt: skip
    assert "not an accuracy" in (run / "baseline.yaml").read_text()
    assert "not an accuracy" in (run / "trials.csv").read_text()


def test_a_score_that_is_none_gets_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["search", "evaluator=zero_cost", "evaluator.scores=[naswot,synflw]"])
    assert stopped.value.code == 2
    assert "evaluator.scores[1]: got 'synflw'; did you mean 'synflow'?" in capsys.readouterr().err


def test_no_score_at_all_is_a_mistake() -> None:
    with pytest.raises(UserError, match=r"scores: expected at least one of synflow, .*, got none"):
        ZeroCostEvaluator(scores=())


@pytest.mark.parametrize("name", ["efficientnet_b0", "convnext_tiny"])
def test_a_score_is_what_it_is_whatever_was_scored_before(name: str) -> None:
    arch = zoo(name)
    evaluator = ZeroCostEvaluator(images=8, width=0.25)
    alone = [replace(evaluator, scores=(score,)).promise(arch, 0).note for score in SCORES]
    for order in (1, -1):
        together = replace(evaluator, scores=tuple(SCORES)[::order]).promise(arch, 0).note
        assert together.split(", ") == alone[::order]
