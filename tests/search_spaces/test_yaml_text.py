"""YAML as plain data: what PyYAML makes of it, and a line for whatever is more than data."""

import datetime
import math
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from fuzz.yaml_mutations import BOMB, originals
from search_spaces.errors import UserError
from search_spaces.yaml_text import MOST_DEPTH, MOST_NODES, load_yaml

CONF = Path(__file__).parents[2] / "conf"

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
    | st.sampled_from(["", "~", "yes", "0o7", "1_0", "<<", "=", "2001-01-01", "1:30", ".5", "- a"])
)
data = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("abc=<~1", max_size=4) | st.integers(0, 9), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(data)
def test_what_was_dumped_is_read(value: Any) -> None:
    for style in (None, True, False):
        text = yaml.safe_dump(value, allow_unicode=True, default_flow_style=style)
        assert load_yaml(text, "a.yaml") == value


@pytest.mark.parametrize("text", originals())
def test_networks_and_spaces_read_as_pyyaml_reads_them(text: str) -> None:
    assert load_yaml(text, "a.yaml") == yaml.safe_load(text)


def test_the_shipped_settings_read_as_pyyaml_reads_them() -> None:
    for path in CONF.rglob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        assert load_yaml(text, str(path)) == yaml.safe_load(text)


@pytest.mark.parametrize(
    "text",
    [
        "[0, -0, +1, 010, 0x1F, 0b11, 1_000, 190:20:30, 08, 1., .5, 1.5e+3, 1e3, .inf, -.INF]",
        "[yes, No, on, OFF, true, False, ~, null, Null, '', '1', \"2\", y, n]",
        "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: {y: 0, <<: [{x: 7}, *a]}\nd: [*a, *a]",
        "'<<': 1",
        "? a\n: b\n? 1\n? ~",
        "|\n  one\n  two\n",
        "--- >\n  one\n  two\n...\n",
        "# nothing\n",
        "",
    ],
)
def test_odd_spellings_read_as_pyyaml_reads_them(text: str) -> None:
    assert load_yaml(text, "a.yaml") == yaml.safe_load(text)


def test_dates_are_strings_whether_they_are_dates_or_not() -> None:
    assert load_yaml("[2001-12-14, 2001-99-99]", "a.yaml") == ["2001-12-14", "2001-99-99"]
    assert isinstance(yaml.safe_load("2001-12-14"), datetime.date)


def test_what_stands_for_something_among_keys_alone_is_a_string_elsewhere() -> None:
    assert load_yaml("[<<, =]", "a.yaml") == ["<<", "="]


def test_a_byte_order_mark_and_not_a_number_are_read() -> None:
    assert math.isnan(load_yaml("\ufeffa: .nan", "a.yaml")["a"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: [", "a.yaml: line 2: not YAML"),
        ("a: b: c", "a.yaml: line 1: not YAML"),
        ("a: 1\n\tb: 2", "a.yaml: line 2: not YAML"),
        ("!!python/object/apply:os.system ['true']", "a.yaml: line 1: not YAML of plain data"),
        ("a:\n- !!int foo", "line 2: not YAML of plain data: the tag 'tag:yaml.org,2002:int'"),
        ("a: !!timestamp x", "line 1: not YAML of plain data: the tag"),
        ("a: ! x", "line 1: not YAML of plain data: the tag '!'"),
        ("a: 1\nb: 2\na: 3", "line 3: 'a' is given twice"),
        ("{1: a, 1.0: b}", "line 1: 1.0 is given twice"),
        ("{<<: {a: 1}, <<: {b: 1}}", "line 1: << is given twice"),
        ("<<: 3", "line 1: <<: expected a mapping, or a list of them, got 3"),
        ("? [a]\n: b", "line 1: expected a word or a number as key, got ['a']"),
        ("a: &a [1]\n*a : b", "line 2: expected a word or a number as key, got [1]"),
        ("a: " + "9" * 5000, "line 1: '9999"),
        ("a: 9223372036854775808", "line 1: '9223372036854775808' is no number of up to 64 bits"),
        ("a: 0x_", "line 1: '0x_' is no number"),
        ("a: 1\n---\nb: 2", "line 2: a second document; expected one"),
        ("a: *b", "line 1: the alias *b names nothing that ended before it"),
        ("a: &a [*a]", "line 1: the alias *a names nothing that ended before it"),
        ("a: 1\nb: \x00", r"line 2: not YAML: the character '\x00'"),
        ("a: \x1b[2J", r"line 1: not YAML: the character '\x1b'"),
        ('a: "\\ud800"', "line 1: not"),
        ("[" * (MOST_DEPTH + 1), "line 1: more than 40 lists inside each other"),
        ("{a: " * 10_000, "line 1: more than 40 lists inside each other"),
        (BOMB, "line 6: more than 100,000 keys and values, what aliases repeat included"),
        ("- {channels: 8}\n" * 100_000, "more than 100,000 keys and values"),
        ("#" * 5_000_000, "a.yaml: 5,000,000 characters; expected at most 4,194,304"),
    ],
)
def test_more_than_data_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        load_yaml(text, "a.yaml")
    assert message in str(caught.value)
    assert str(caught.value).startswith("a.yaml: ")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


def test_as_much_as_a_large_table_holds_is_read() -> None:
    text = "".join(f"part {number}: 0.5\n" for number in range(MOST_NODES // 2 - 1))
    assert len(load_yaml(text, "a.yaml")) == MOST_NODES // 2 - 1
    deep = "[" * MOST_DEPTH + "]" * MOST_DEPTH
    assert load_yaml(deep, "a.yaml") == yaml.safe_load(deep)
