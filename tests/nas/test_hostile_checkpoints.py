"""Checkpoints as nobody should write them: too large, damaged, or full of code."""

import os
import random
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from checkpoint_files import SMALL, refusal, saved, state
from nas.networks.model import build
from nas.networks.weights import save_weights
from search_spaces.errors import UserError


def test_a_zip_that_unpacks_to_much_more(tmp_path: Path) -> None:
    path, bomb = saved(state(), tmp_path / "a.pth"), tmp_path / "bomb.pth"
    with (
        zipfile.ZipFile(path) as read,
        zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as z,
    ):
        for entry in read.infolist():
            z.writestr(entry.filename, read.read(entry))
        with z.open("a/data/999", "w") as entry_file:
            for _ in range(300):
                entry_file.write(bytes(2**20))
    assert bomb.stat().st_size < 2**22
    assert "bytes when unpacked; at most 268," in refusal(bomb)


def test_a_zip_whose_directory_lies(tmp_path: Path) -> None:
    path = saved(state(), tmp_path / "a.pth")
    content = bytearray(path.read_bytes())
    entry = content.rindex(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = (2**31).to_bytes(4, "little")  # its unpacked size
    path.write_bytes(content)
    assert "bytes when unpacked; at most" in refusal(path)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_a_file_far_larger_than_the_network(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"large{suffix}"
    with path.open("wb") as file:
        file.truncate(2**35)
    assert "holds 34,359,738,368 bytes when unpacked; at most" in refusal(path)


@pytest.mark.parametrize("name", [b"builtins\nbytearray", b"__builtin__\nbytearray"])
def test_an_array_as_long_as_a_pickle_asks_for(name: bytes, tmp_path: Path) -> None:
    path = tmp_path / "endless.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", b"\x80\x02c" + name + b"\nJ\x00\x00\x00\x40\x85R.")
        archive.writestr("a/version", "3\n")
    assert "which are never run: " in refusal(path)


def test_storages_larger_than_the_file(tmp_path: Path) -> None:
    path = tmp_path / "old.pth"
    saved({"a": torch.zeros(4)}, path, _use_new_zipfile_serialization=False)
    content = path.read_bytes()
    storage = content.index(b"X\x03\x00\x00\x00cpu")
    count = content.index(b"K\x04", storage)
    path.write_bytes(content[:count] + b"J\x00\x00\x00\x70" + content[count + 2 :])
    assert "no PyTorch checkpoint, or cut short: " in refusal(path)


def test_a_whole_model_is_named(tmp_path: Path) -> None:
    path = saved(build(SMALL), tmp_path / "model.pth")
    message = refusal(path)
    assert message.startswith("holds pickled code or objects, which are never run: ")
    assert "nas.networks." in message


def test_a_list_an_empty_zip_and_torchscript(tmp_path: Path) -> None:
    path = saved([state()], tmp_path / "list.pth")
    assert refusal(path) == "expected a state dict, names and their tensors"
    empty = tmp_path / "empty.pth"
    with zipfile.ZipFile(empty, "w"):
        pass
    assert "no PyTorch checkpoint, or cut short" in refusal(empty)
    with zipfile.ZipFile(empty, "w") as archive:
        archive.writestr("readme.txt", "nothing")
    assert "no PyTorch checkpoint, or cut short" in refusal(empty)
    script = tmp_path / "script.pt"
    torch.jit.trace(nn.Linear(2, 2), torch.zeros(1, 2)).save(script)  # type: ignore[no-untyped-call]
    assert "TorchScript" in refusal(script)


def test_folders_pipes_and_devices(tmp_path: Path) -> None:
    folder = tmp_path / "folder.pth"
    folder.mkdir()
    assert refusal(folder) == "is a folder; expected a file of weights"
    pipe = tmp_path / "pipe.safetensors"
    os.mkfifo(pipe)
    assert refusal(pipe) == "is a device or a pipe; expected a file of weights"
    (tmp_path / "zero.pth").symlink_to("/dev/zero")
    message = refusal(tmp_path / "zero.pth")
    assert message == "is a device or a pipe; expected a file of weights"
    assert refusal(folder / "none.pth") == "no such file"


@pytest.mark.parametrize(
    "header",
    [
        b'{"a":{"dtype":"F99","shape":[1],"data_offsets":[0,4]}}',
        b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},'
        b'"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
        b'{"a":{"dtype":"F32","shape":[9999999999],"data_offsets":[0,4]}}',
        b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,40000000000]}}',
        b'{"a":3}',
        b"[" * 60_000,
    ],
)
def test_odd_safetensors(header: bytes, tmp_path: Path) -> None:
    path = tmp_path / "odd.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(8))
    assert "no safetensors file, or cut short: " in refusal(path)


@pytest.mark.parametrize("kind", ["zip", "old", "safetensors"])
def test_damaged_bytes_give_weights_or_one_line(kind: str, tmp_path: Path) -> None:
    path = tmp_path / ("a.safetensors" if kind == "safetensors" else "a.pth")
    weights = state()
    if kind == "safetensors":
        save_file(weights, path)
    else:
        saved({"model": weights}, path, _use_new_zipfile_serialization=kind == "zip")
    whole, chance = path.read_bytes(), random.Random(0)
    lines = []
    for _ in range(60):
        damaged = bytearray(whole)
        # Headers, directories and pickles lie at the ends; in between are values.
        for _ in range(chance.randint(1, 4)):
            span = chance.choice((200, 4000, len(whole)))
            at = chance.choice((chance.randrange(span), -1 - chance.randrange(span)))
            damaged[at % len(whole)] = chance.randrange(256)
        path.write_bytes(damaged)
        try:
            build(SMALL, weights=path)
        except UserError as error:
            lines.append(str(error))
    assert lines
    assert all(line.isprintable() and line.startswith(f"{path}: ") for line in lines)


def test_names_do_not_reach_the_terminal_raw(tmp_path: Path) -> None:
    weights = state() | {"\x1b[2J\n" + "x" * 1000: torch.zeros(1)}
    path = tmp_path / "named.safetensors"
    save_file(weights, path)
    message = refusal(path)
    assert message.startswith("not the weights of small: 1 unexpected, first \\x1b[2J\\nxxx")
    assert len(message) < 200


def test_saving_through_a_link_replaces_it(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link.pth"
    target.write_text("mine")
    link.symlink_to(target)
    save_weights(build(SMALL), link)
    assert target.read_text() == "mine"
    assert not link.is_symlink()
