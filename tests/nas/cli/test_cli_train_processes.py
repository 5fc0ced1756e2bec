"""`nas-search train` by several processes: one of them speaks, the impossible is refused."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from nas.cli import main
from quick import SMALL
from search_spaces.yaml_io import write_arch

TRAIN = ["train", "net.yaml", "run=r", "data.limit=150", "recipe.epochs=2", "resolution=12"]
RAY = [*TRAIN, "executor=ray", "ray.workers=2", "ray.cpus=0.5"]


@pytest.fixture(autouse=True)
def _beside_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_arch(SMALL, "net.yaml")


def torchrun(*arguments: str) -> "subprocess.CompletedProcess[str]":
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    place = ["--master-addr", "127.0.0.1", "--master-port", "0", "--rdzv-backend", "c10d",
             "--rdzv-endpoint", "127.0.0.1:0"]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(
        [*launcher, *place, "-m", "nas.cli", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def test_under_torchrun_one_process_speaks_and_writes() -> None:
    ended = torchrun(*TRAIN)
    assert ended.returncode == 0, ended.stderr
    header, row = ended.stdout.splitlines()
    assert (header.split()[0], row.split()[0]) == ("network", "net")
    assert ended.stderr.count("2 processes train together") == 1
    assert ended.stderr.count("train net 2/2") == 1
    settings = yaml.safe_load(Path("r/trained/net/settings.yaml").read_text())
    assert settings["processes"] == 2
    assert sorted(path.name for path in Path("r").iterdir()) == ["config.yaml", "trained"]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["executor=ray_tune"], "executor.name: got 'ray_tune'"),
        (["recipe.batch_size=1"], "recipe.batch_size: 1 images in a batch cannot be shared by 2"),
        (["recipe.sync_batch_norm=true"], "recipe.sync_batch_norm: torch has it on CUDA alone"),
        (["ray.gpus=0.5"], "ray.gpus: each process trains on one GPU or on none; expected 0 or 1"),
        (["device=cuda"], "device: with ray.gpus=0 processes train on cpu, got cuda"),
        (["ray.gpus=1", "ray.workers=99"], "ray.gpus: 99 processes on this machine need a GPU"),
        (["max_failures=-1"], "max_failures: expected"),
    ],
)
def test_what_is_impossible_is_refused_before_ray_starts(
    capsys: pytest.CaptureFixture[str], arguments: list[str], line: str
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([*RAY, "ray.resources={}", *arguments])
    assert stopped.value.code == 2
    assert capsys.readouterr().err.strip().splitlines()[-1].startswith(f"nas-search: {line}")
    assert not Path("r").exists()
