"""Markdown is readable as text: no line is wider than a page."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [
    page for folder in ("", "docs", "results") for page in sorted((ROOT / folder).glob("*.md"))
]
WIDEST = 100


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_line_is_wider_than_100_characters(page: Path) -> None:
    lines = page.read_text("utf-8").splitlines()
    assert [f"{n}: {line}" for n, line in enumerate(lines, start=1) if len(line) > WIDEST] == []
