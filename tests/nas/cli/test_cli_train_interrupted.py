"""A training that is interrupted ends in one line, and the same command goes on."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from interrupted import read_until
from orphans import left_of_session
from quick import SMALL
from search_spaces.yaml_io import write_arch

EPOCHS = 2000
TRAIN = [
    *("train", "net.yaml", "run=r", "data.limit=400", f"recipe.epochs={EPOCHS}", "threads=1"),
    *("resolution=12", "checkpoint_seconds=0"),
]


@pytest.mark.parametrize(
    ("sign", "workers", "code"), [(signal.SIGINT, 2, 130), (signal.SIGTERM, 0, 143)]
)
def test_it_ends_in_one_line_and_keeps_its_checkpoint(
    tmp_path: Path, sign: signal.Signals, workers: int, code: int
) -> None:
    write_arch(SMALL, tmp_path / "net.yaml")
    process = subprocess.Popen(
        [sys.executable, "-m", "nas.cli", *TRAIN, f"loader_workers={workers}"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell's background jobs, and all that they start, ignore SIGINT.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stderr is not None
    try:
        read_until(process.stderr, rf"train net \d+/{EPOCHS}")
        os.killpg(process.pid, sign)  # as a terminal does it, or a batch system
        out, said = process.communicate(timeout=120)
    finally:
        process.kill()
    told = [line for line in said.splitlines() if line and not line.startswith("train net ")]
    assert told[0] == "nas-search: stopping; Ctrl-C again stops at once"
    assert told[1].startswith("nas-search: interrupted; what is finished is kept. To go on: ")
    assert told[1].endswith(f"loader_workers={workers}")
    assert (len(told), out, process.returncode) == (2, "", code)
    assert (tmp_path / "r/trained/net/checkpoint/standing.json").exists()
    assert left_of_session(process.pid) == []
