"""A whole training under Ray Train: as torchrun's, in spite of a worker that is lost."""

from pathlib import Path

import pytest

from nas.executors.ray_cluster import RaySettings
from nas.executors.ray_train import train_with_ray
from nas.networks.trained import read_card
from search_spaces.errors import CommandFailed
from whole_training import Listener
from whole_training_group import deadly_plan, furthest, together, weights

TWO = RaySettings(cpus=0.5, workers=2)


def test_a_lost_worker_is_survived_from_the_checkpoint(tmp_path: Path) -> None:
    undisturbed, folder = tmp_path / "undisturbed", tmp_path / "ray"
    assert [code for code, _ in together(undisturbed)] == [0, 0]
    folder.mkdir()
    heard = Listener()
    card = train_with_ray(TWO, 3, deadly_plan(tmp_path / "mark"), folder, heard)
    assert (tmp_path / "mark").exists()
    begun, resumed = heard.said
    assert begun == "2 processes of Ray's train together"
    assert resumed.startswith("goes on after epoch 1, step ")
    assert [now.row.epoch for now in heard.told if now.row is not None] == [1, 2, 3]
    assert card == read_card(folder / "weights.safetensors")
    assert furthest(weights(folder), weights(undisturbed)) < 1e-5
    assert {path.name for path in folder.iterdir()} == {
        "weights.safetensors", "network.yaml", "settings.yaml", "log.jsonl", "README.md",
    }  # fmt: skip


def test_workers_that_are_lost_too_often_end_it_with_one_line(tmp_path: Path) -> None:
    plan = deadly_plan(tmp_path / "mark", once=False)
    folder = tmp_path / "ray"
    folder.mkdir()
    with pytest.raises(CommandFailed, match=r"workers were lost too often \(max_failures\)"):
        train_with_ray(TWO, 0, plan, folder, Listener())
    assert {path.name for path in folder.iterdir()} == {"checkpoint", "log.jsonl"}
