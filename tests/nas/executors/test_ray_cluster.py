"""Clusters of our own, and addresses that are none."""

import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

import toy
from interrupted import read_until
from nas.executors.ray_cluster import RaySettings, ray_cluster
from search_spaces.errors import CommandFailed, UserError

SETTINGS = ["run=r", "evaluator=custom", "evaluator._target_=toy.Toy", "+evaluator.free=3"]
SEARCH = ["search", *SETTINGS, "executor=ray", "search.trials=50", "sampler=random"]
SWEEP = ["sweep", *SETTINGS, "baseline=efficientnet_b0", "sweep.step=0.1"]


@contextmanager
def driver(folder: Path, arguments: list[str]) -> Iterator["subprocess.Popen[str]"]:
    code = f"import nas.cli; nas.cli.main({arguments!r})"
    paths = [str(Path(toy.__file__).parent), os.environ.get("PYTHONPATH", "")]
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), "TMPDIR": "/tmp"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def descendants(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task").glob("*/children")
    found = [int(child) for file in children for child in file.read_text().split()]
    return [*found, *(below for child in found for below in descendants(child))]


def listening(pid: int) -> set[str]:
    """The addresses that a process listens on, as the kernel spells them."""
    inodes = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        if link.exists() or link.is_symlink():
            inodes |= set(re.findall(r"socket:\[(\d+)\]", os.readlink(link)))
    rows = [
        line.split()
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]
    ]
    return {row[1].partition(":")[0] for row in rows if row[3] == "0A" and row[9] in inodes}


def temporary(pid: int) -> list[Path]:
    """Folders for Ray Tune, by the process that is to remove them."""
    words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    return [Path(word) for word in words if Path(word).name.startswith("nas-search-tune-")]


LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}


@pytest.mark.parametrize(
    ("arguments", "name", "log", "part"),
    [
        (SEARCH, "raylet", "study.db", "the raylet of this node"),
        (SWEEP, "gcs_server", "sweep.jsonl", r"its control service \(GCS\)"),
    ],
)
def test_a_cluster_of_our_own_is_this_machines_alone_and_its_loss_is_told(
    tmp_path: Path, arguments: list[str], name: str, log: str, part: str
) -> None:
    # Three trainings end, the others never do.
    with driver(tmp_path, [*arguments, f"+evaluator.gate={tmp_path / 'gate'}"]) as process:
        assert process.stderr
        read_until(process.stderr, r" [23]/")
        pids = [process.pid, *descendants(process.pid)]
        places = set().union(*map(listening, pids))
        assert places
        assert places <= LOOPBACK
        scratch = [folder for pid in pids for folder in temporary(pid)]
        (victim,) = [pid for pid in pids if Path(f"/proc/{pid}/comm").read_text().strip() == name]
        os.kill(victim, 9)
        _, errors = process.communicate(timeout=200)
    assert process.returncode == 1
    (said,) = [line for line in errors.splitlines() if line.startswith("nas-search: ")]
    assert re.fullmatch(
        rf"nas-search: the Ray cluster at 127\.0\.0\.1:\d+ is lost: {part} no longer answers; the "
        r"same command, .* goes on from the records; what is finished is kept",
        said,
    )
    assert "Traceback" not in errors
    assert bool(scratch) is (arguments is SWEEP)
    toy.wait_until(lambda: not any(folder.exists() for folder in scratch))
    assert (tmp_path / "r" / log).stat().st_size > 0


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH\r\n"]
)
def test_an_address_that_answers_but_is_not_ray_is_told_in_seconds(answer: bytes) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"

        def reply() -> None:
            connection, _ = server.accept()
            connection.sendall(answer)
            time.sleep(6)
            connection.close()

        threading.Thread(target=reply, daemon=True).start()
        with (
            pytest.raises(UserError, match=rf"^ray\.address: {address}: what answers .* not Ray$"),
            ray_cluster(RaySettings(address=address)),
        ):
            pass


def test_a_cluster_that_does_not_start_here_is_nobodys_mistake(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("The current node timed out during startup.\nThe GCS is overloaded.")

    monkeypatch.setattr("ray.init", refuse)
    told = "ray: no cluster starts here: The current node timed out during startup. The GCS is"
    with pytest.raises(CommandFailed, match=told), ray_cluster(RaySettings()):
        pass
