"""A mistake is told on one line that commands no terminal, whatever it quotes."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces.errors import UserError, shown


@given(st.text())
def test_the_line_is_one_and_can_be_printed(text: str) -> None:
    error = UserError(text)
    assert str(error).isprintable()
    assert str(error.under("a: ")) == f"a: {error}"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("φ = 1: 2×, “a”…", "φ = 1: 2×, “a”…"),
        ("a\n  b\r\nc", "a b c"),
        ("\x1b[2J\x07", r"\x1b[2J\x07"),
        ("a\tb\x00", r"a\tb\x00"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("\ud800", r"\ud800"),
    ],
)
def test_what_would_command_a_terminal_is_spelt_out(text: str, line: str) -> None:
    assert str(UserError(text)) == line


def test_values_are_quoted_in_short() -> None:
    assert shown("a\x1b") == r"'a\x1b'"
    assert shown([1, 2]) == "[1, 2]"
    assert len(shown("x" * 10_000)) == 40
    assert len(shown(list(range(10_000)), 100)) == 100
    assert shown(10**5000) == "an integer of thousands of digits"
