"""A file of JSON lines: what is read back, and what a killed writer leaves of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from nas.bench import runs
from nas.runs.json_lines import JsonLines
from nas.trainings.log import TrainingLog
from search_spaces.errors import UserError


@pytest.fixture
def lines(tmp_path: Path) -> JsonLines:
    return JsonLines(tmp_path / "log.jsonl", "a search")


def number(record: Mapping[str, Any]) -> int:
    return int(record["n"])


def test_records_read_back_in_order(lines: JsonLines) -> None:
    written = [{"n": 1, "text": "two\nlines, ± and \u2028"}, {"n": 2, "inner": {"list": [0.1]}}]
    for record in written:
        lines.append(record)
    assert lines.read(dict) == written
    assert lines.path.read_bytes().count(b"\n") == 2


def test_no_file_is_no_records_and_nothing_to_repair(lines: JsonLines) -> None:
    assert lines.read(number) == []
    lines.repair()
    assert not lines.path.exists()


def test_every_cut_of_the_last_line_loses_that_line_alone(lines: JsonLines) -> None:
    lines.append({"n": 1})
    first = lines.path.stat().st_size
    lines.append({"n": 2, "text": "±, of two bytes"})
    whole = lines.path.read_bytes()
    for cut in range(first, len(whole)):
        lines.path.write_bytes(whole[:cut])
        assert lines.read(number) == [1]
        lines.repair()
        lines.append({"n": 3})
        assert lines.read(number) == [1, 3]


def test_what_is_whole_needs_no_repair(lines: JsonLines) -> None:
    lines.append({"n": 1})
    before = lines.path.read_bytes()
    lines.repair()
    assert lines.path.read_bytes() == before


@pytest.mark.parametrize("line", ["[]", "null", "3", '{"m": 1}', '{"n": "one"}'])
def test_a_damaged_line_is_named(lines: JsonLines, line: str) -> None:
    lines.append({"n": 1})
    with lines.path.open("a") as file:
        file.write(line + "\n")
    lines.append({"n": 2})
    with pytest.raises(UserError, match=r"log\.jsonl: line 2: not a record of a search$"):
        lines.read(number)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"", "not JSON at character 1: Expecting value"),
        (b'{"n": 1', "not JSON at character 8: Expecting ',' delimiter"),
        (b'{"n": 1} {', "not JSON at character 10: Extra data"),
        (b'{"n": NaN}', "NaN is no number"),
        (b'{"n": -Infinity}', "-Infinity is no number"),
        (b'{"n": "\xff"}', "not UTF-8 text at byte 8"),
        ('{"n": 1}'.encode("utf-16-le"), "not JSON at character 2: Expecting property name"),
        (b"\x00\x01\x02", "not JSON at character 1: Expecting value"),
        (b"[" * 100_000, "not JSON: lists and mappings too deep inside each other"),
        (b'{"n": 1' + b"0" * 5000 + b"}", "not JSON: an integer of thousands of digits"),
    ],
)
def test_why_a_line_is_not_json_is_told(lines: JsonLines, line: bytes, why: str) -> None:
    lines.append({"n": 1})
    with lines.path.open("ab") as file:
        file.write(line + b"\n")
    with pytest.raises(UserError) as error:
        lines.read(number)
    start = f"{lines.path}: line 2: not a record of a search: "
    assert str(error.value).startswith(start + why)


@pytest.mark.parametrize("read", [runs.read, lambda path: TrainingLog(path).read()])
@pytest.mark.parametrize("line", ["3", "[]", "{}", '{"steps": 1, "curve": 1}'])
def test_records_of_benches_and_trainings_are_checked(read: Any, line: str, tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text(line + "\n")
    with pytest.raises(UserError, match="line 1: not a record"):
        read(tmp_path / "log.jsonl")


def test_what_is_no_number_is_not_written(lines: JsonLines) -> None:
    with pytest.raises(ValueError, match="JSON"):
        lines.append({"n": float("nan")})
    assert not lines.path.exists()
