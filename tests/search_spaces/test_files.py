"""Files are read with a limit, and written whole or not at all."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from search_spaces.errors import UserError
from search_spaces.files import read_text, subfolder, write_text, written


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "φ\n")
    assert read_text(tmp_path / "a") == "φ\n"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("mine")
    (tmp_path / "a").symlink_to(other)
    write_text(tmp_path / "a", "new")
    assert other.read_text() == "mine"
    assert (tmp_path / "a").read_text() == "new"
    assert not (tmp_path / "a").is_symlink()


def test_a_planted_draft_is_not_written_through(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("mine")
    (tmp_path / f".a.{os.getpid()}.part").symlink_to(other)
    write_text(tmp_path / "a", "new")
    assert other.read_text() == "mine"


def test_what_fails_half_way_leaves_what_was_there(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "old")

    def fail() -> None:
        with written(tmp_path / "a") as file:
            file.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert read_text(tmp_path / "a") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_pipe_or_a_device_is_never_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="a device or a pipe; expected a file to write"):
        write_text(tmp_path / "pipe", "words")
    assert (tmp_path / "pipe").is_fifo()


def test_where_nothing_fits_the_error_names_the_file(tmp_path: Path) -> None:
    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))

    (tmp_path / "a").write_text("old")
    code = (
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from search_spaces.files import write_text\n"
        "try: write_text('a', 'x' * 100)\n"
        "except OSError as error: print(error.filename, error.strerror)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path, env=environment, preexec_fn=no_room, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert done.stdout == "a File too large\n"
    assert (tmp_path / "a").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "no such file"),
        (lambda path: path.mkdir(), "is a folder"),
        (lambda path: os.mkfifo(path), "a device or a pipe"),
        (lambda path: path.symlink_to("/dev/zero"), "a device or a pipe"),
        (lambda path: path.write_bytes(b"x" * 101), "larger than 100 bytes"),
        (lambda path: path.write_bytes(b"caf\xe9"), "not UTF-8 text"),
        (lambda path: path.symlink_to(path), "cannot be read"),
    ],
)
def test_what_is_no_text_file_is_refused(tmp_path: Path, make: object, words: str) -> None:
    path = tmp_path / "a"
    make(path)  # type: ignore[operator]
    with pytest.raises(UserError, match=f"^{path}: .*{words}"):
        read_text(path, most=100)


def test_a_name_with_a_nul_is_no_file() -> None:
    with pytest.raises(UserError, match="cannot be read"):
        read_text("a\0b")


def test_a_subfolder_is_made_and_never_a_link(tmp_path: Path) -> None:
    assert subfolder(tmp_path, "front").is_dir()
    assert subfolder(tmp_path, "front").is_dir()
    (tmp_path / "family").symlink_to(tmp_path / "front")
    with pytest.raises(UserError, match="family is a link"):
        subfolder(tmp_path, "family")
