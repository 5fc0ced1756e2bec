"""Damaged run folders: every call answers with its result, or with one line that names a file."""

from pathlib import Path

from fuzz.damage import make_run, try_each


def test_no_damage_ends_in_a_traceback(tmp_path: Path) -> None:
    made = make_run(tmp_path)
    before = {path: path.read_bytes() for path in made.rglob("*") if path.is_file()}
    seen = list(try_each(made, 20, 7, tmp_path))
    assert not [f"{each.call} after {each.damage}: {each.fault}" for each in seen if each.fault]
    assert {each.code for each in seen} == {0, 2}
    assert {path: path.read_bytes() for path in made.rglob("*") if path.is_file()} == before
