"""Trainings by several processes: as one would, whole after a loss, and clear about what fails."""

from pathlib import Path

import pytest
import torch

from nas.networks.trained import read_card
from nas.training.processes import Launched, check_group, device_of
from nas.training.train import train
from search_spaces.errors import UserError
from whole_training import STEPS, Listener, plan
from whole_training_group import SAME, convnext, furthest, together, weights


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    assert [code for code, _ in together(folder)] == [0, 0]
    return folder


def test_two_processes_train_as_one_does(tmp_path: Path) -> None:
    assert [code for code, _ in together(tmp_path / "two", network="convnext")] == [0, 0]
    train(plan(SAME, arch=convnext()), tmp_path / "one", Listener())
    one, two = weights(tmp_path / "one"), weights(tmp_path / "two")
    assert furthest(one, two) < 1e-5
    alone, shared = (read_card(tmp_path / name).test for name in ("one", "two"))
    assert alone is not None
    assert shared is not None
    assert (shared.images, shared.accuracy, shared.top5) == (
        len(plan().splits.test), alone.accuracy, alone.top5,
    )  # fmt: skip
    assert shared.loss == pytest.approx(alone.loss, rel=1e-3)
    assert {path.name for path in (tmp_path / "two").iterdir()} == {
        "weights.safetensors", "network.yaml", "settings.yaml", "log.jsonl", "README.md",
    }  # fmt: skip


def test_where_one_is_lost_the_others_end_and_the_same_command_goes_on(
    undisturbed: Path, tmp_path: Path
) -> None:
    ends = together(tmp_path, kill=STEPS + 2)
    assert [code for code, _ in ends] == [1, -9]
    assert ends[0][1].strip().splitlines()[-1] == (
        "process 0 of 2: another process of the training is lost; "
        "the same command goes on from the checkpoint"
    )
    assert (tmp_path / "checkpoint").exists()
    assert [code for code, _ in together(tmp_path)] == [0, 0]
    assert furthest(weights(tmp_path), weights(undisturbed)) < 1e-5


def test_more_processes_than_images_in_a_batch_are_refused() -> None:
    with pytest.raises(UserError, match=r"recipe\.batch_size: 4 images .* shared by 5 processes"):
        check_group(5, 4, False, torch.device("cpu"))


def test_batch_normalisation_over_processes_needs_cuda() -> None:
    with pytest.raises(UserError, match=r"recipe\.sync_batch_norm: torch has it on CUDA alone"):
        check_group(2, 4, True, torch.device("cpu"))
    check_group(1, 4, True, torch.device("cpu"))
    check_group(2, 4, True, torch.device("cuda", 0))


def test_each_process_has_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    assert device_of(1, 2, torch.device("cuda")) == torch.device("cuda", 1)
    assert device_of(1, 2, torch.device("cpu")) == torch.device("cpu")
    with pytest.raises(UserError, match="device: 3 processes on this machine need a GPU each, and"):
        device_of(0, 3, torch.device("cuda"))
    with pytest.raises(UserError, match="device: cuda:0 is one GPU, and each process needs one"):
        device_of(0, 2, torch.device("cuda", 0))


@pytest.mark.parametrize(
    "told",
    [{"RANK": "2"}, {"RANK": "x"}, {"WORLD_SIZE": "-1"}, {"LOCAL_RANK": "9"}],
)
def test_an_environment_that_makes_no_sense_is_told(
    monkeypatch: pytest.MonkeyPatch, told: dict[str, str]
) -> None:
    for name, value in {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1", **told}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MASTER_ADDR", "localhost")
    with pytest.raises(UserError, match="environment: expected the numbers that torchrun sets"):
        Launched.read()


def test_a_process_that_torchrun_started_alone_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Launched.read() is None
    for name, value in {"RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "localhost"}.items():
        monkeypatch.setenv(name, value)
    assert Launched.read() is None
