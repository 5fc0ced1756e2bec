"""Markdown is readable as text, and its links lead somewhere."""

import tomllib
from pathlib import Path

import pytest

from markdown_pages import DOCS, PAGES, ROOT, Link, anchors, links, name_of

WIDEST = 100
LINKS = [link for page in PAGES for link in links(page)]
PARTS = ("tutorials", "how-to", "reference", "measured")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_line_is_wider_than_100_characters(page: Path) -> None:
    lines = page.read_text("utf-8").splitlines()
    assert [f"{n}: {line}" for n, line in enumerate(lines, start=1) if len(line) > WIDEST] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    inner = [link for link in links(page) if not link.is_external]
    assert [link.target for link in inner if not link.path.exists()] == []
    pages = [link for link in inner if link.anchor and link.path.suffix == ".md"]
    assert [link.target for link in pages if link.anchor not in anchors(link.path)] == []


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=name_of)
def test_a_page_of_the_site_links_to_nothing_beside_the_site(page: Path) -> None:
    inner = [link for link in links(page) if not link.is_external]
    assert [link.target for link in inner if not link.path.is_relative_to(DOCS)] == []


def test_links_out_of_the_project_are_encrypted() -> None:
    out = {link.target for link in LINKS if link.is_external}
    assert [target for target in sorted(out) if not target.startswith("https://")] == []


def test_every_page_of_the_site_lies_in_one_of_its_four_parts() -> None:
    places = {page.relative_to(DOCS).parts[0] for page in DOCS.rglob("*.md")}
    assert places == {"index.md", *PARTS}


def test_every_page_of_the_site_is_listed_on_the_first_page_of_its_part() -> None:
    for part in PARTS:
        first = DOCS / part / "index.md"
        listed = {link.path for link in links(first)}
        pages = set((DOCS / part).glob("*.md")) - {first}
        assert sorted(page.name for page in pages - listed) == []


def test_the_site_lists_every_page_once() -> None:
    nav = tomllib.loads((ROOT / "zensical.toml").read_text("utf-8"))["project"]["nav"]
    listed = [page for part in nav for pages in part.values() for page in _as_list(pages)]
    assert sorted(listed) == sorted(
        page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")
    )


def _as_list(pages: str | list[str]) -> list[str]:
    return [pages] if isinstance(pages, str) else pages


def test_a_link_into_a_page_is_known_by_its_heading(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One\n\n## What α & `β` do\n\n```\n# no heading\n```\n\n## One\n")
    assert anchors(page) == {"one", "what-α--β-do", "one-1"}
    assert Link(page, "#one").path == page
    assert Link(page, "https://a.org/#x").is_external
