"""A trained supernet on the disk: read as it is now, and once for all processes of a machine."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from nas.supernet.file import FILE, check_store, read_about, read_store, write_store
from nas.supernet.store import Store
from search_spaces.errors import UserError

WEIGHTS = 2**20
"""Of one tensor: four megabytes, more than whatever else is read along with a page."""
_TOUCHES = """\
import pathlib, sys
from nas.supernet.file import read_store
store = read_store(pathlib.Path(sys.argv[1]))
print(sum(float(tensor.sum()) for tensor in store.tensors.values()), flush=True)
for line in sys.stdin:
    print(pathlib.Path("/proc/self/smaps").read_text().replace("\\n", "|"), flush=True)
"""


def written(folder: Path, value: float) -> Path:
    path = folder / FILE
    store = Store({"conv_stem.weight": torch.full((WEIGHTS,), value)}, "own")
    write_store(path, store, {"epochs": value})
    return path


def test_a_store_comes_back_with_what_it_is_of(tmp_path: Path) -> None:
    path = written(tmp_path, 1.5)
    assert read_store(path).tensors["conv_stem.weight"].eq(1.5).all()
    assert read_about(path) == {"epochs": 1.5}


def test_a_store_is_read_once(tmp_path: Path) -> None:
    path = written(tmp_path, 1.0)
    assert read_store(path) is read_store(path)


def test_a_supernet_that_was_trained_anew_is_read_anew(tmp_path: Path) -> None:
    path = written(tmp_path, 1.0)
    before = read_store(path)
    written(tmp_path, 2.0)
    assert read_store(path).tensors["conv_stem.weight"].eq(2.0).all()
    assert before.tensors["conv_stem.weight"].eq(1.0).all()


def test_a_supernet_that_was_removed_is_missed(tmp_path: Path) -> None:
    path = written(tmp_path, 1.0)
    read_store(path)
    path.unlink()
    with pytest.raises(UserError, match="no such file"):
        read_store(path)


@pytest.mark.parametrize(
    ("about", "difference"),
    [
        ({"data": {"digest": "b"}}, "data.digest is 'a' there, and 'b' here"),
        ({"data": {"digest": "a"}, "space": "new"}, "space is None there, and 'new' here"),
        ({}, "data.digest is 'a' there, and None here"),
    ],
)
def test_one_of_other_data_or_another_space_is_told_apart(
    about: dict[str, object], difference: str, tmp_path: Path
) -> None:
    path = tmp_path / FILE
    write_store(path, Store({"w": torch.zeros(1)}, "own"), {"data": {"digest": "a"}})
    with pytest.raises(UserError) as told:
        check_store(path, about, "evaluator")
    assert str(told.value) == f"evaluator: {path} is of another supernet: {difference}"


def test_what_is_no_supernet_is_told_with_the_setting_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no tensors")
    for name, said in (
        ("", "is a folder; expected a supernet.safetensors that evaluator=supernet wrote"),
        ("missing", "no such file"),
        ("text", "cannot be read: "),
    ):
        with pytest.raises(UserError) as told:
            check_store(tmp_path / name, {}, "evaluator.path")
        assert str(told.value).startswith(f"evaluator.path: {tmp_path / name}: {said}")


def test_two_processes_have_one_copy_in_memory(tmp_path: Path) -> None:
    path = written(tmp_path, 1.0)
    command = [sys.executable, "-c", _TOUCHES, str(path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    workers = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        for _ in range(2)
    ]
    try:
        for worker in workers:
            assert worker.stdout is not None
            assert float(worker.stdout.readline()) == WEIGHTS
        for worker in workers:
            assert worker.stdin is not None
            assert worker.stdout is not None
            print(file=worker.stdin, flush=True)
            kilobytes = memory_of(path, worker.stdout.readline().split("|"))
            assert kilobytes["Shared_Clean"] >= 4 * WEIGHTS / 1024
            assert kilobytes["Private_Clean"] + kilobytes["Private_Dirty"] == 0
    finally:
        for worker in workers:
            worker.communicate()


def memory_of(path: Path, lines: list[str]) -> dict[str, int]:
    """The kilobytes of a file's pages in a process, by their kinds, from its smaps."""
    found: dict[str, int] = {}
    inside = False
    for line in lines:
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            inside = line.endswith(str(path)) and f" {path.stat().st_ino} " in line
        name, _, rest = line.partition(":")
        if inside and rest.strip().endswith(" kB"):
            found[name] = found.get(name, 0) + int(rest.split()[0])
    return found
