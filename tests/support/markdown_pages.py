"""The project's Markdown as data: pages, their headings, links, and what they show as code."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
GENERATED = DOCS / "reference" / "generated"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "results").glob("*.md")])

_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?:^|\n\n)((?:    .*\n)+)")
_INLINE = re.compile(r"`(nas-search [^\s`]+\s[^`]+)`")
_LEFT_OUT = re.compile(r"…|\b(VERB|RUN)\b")
_LINK = re.compile(r"(!?)\[[^\]]*\]\(([^()\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Link:
    """A link of a page, or a picture in it."""

    page: Path
    target: str

    @property
    def is_external(self) -> bool:
        """Whether it leads away from the project."""
        return ":" in self.target.partition("#")[0]

    @property
    def path(self) -> Path:
        """The file that it leads to."""
        place = self.target.partition("#")[0]
        return (self.page.parent / place).resolve() if place else self.page

    @property
    def anchor(self) -> str:
        """The heading that it leads to; empty for a page's top."""
        return self.target.partition("#")[2]


def name_of(page: Path) -> str:
    """The page's path in the project, as tests are called."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a language; of none for `""`."""
    text = page.read_text("utf-8")
    return [block for found, block in _FENCED.findall(text) if found == language]


def links(page: Path) -> Iterator[Link]:
    """The links and pictures of a page, those in code left out."""
    for _, target in _LINK.findall(_prose(page)):
        yield Link(page, target)


def anchors(page: Path) -> set[str]:
    """What the page's headings are called in links, as the site and the forges call them."""
    found: dict[str, int] = {}
    names = set()
    for heading in _HEADING.findall(_FENCED.sub("", page.read_text("utf-8"))):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", shown.strip().lower()).replace(" ", "-")
        count = found.get(slug, 0)
        found[slug] = count + 1
        names.add(f"{slug}-{count}" if count else slug)
    return names


def commands(page: Path) -> list[str]:
    """Every `nas-search …` line of the page's code, with the lines it goes on in, and those in its
    sentences, but where these leave something out."""
    text = page.read_text("utf-8")
    code = [*blocks(page, ""), *blocks(page, "sh"), *blocks(page, "bash")]
    prose = _FENCED.sub("", text)
    code += _INDENTED.findall(prose)
    inline = [" ".join(found.split()) for found in _INLINE.findall(prose)]
    return [
        line.strip()
        for block in code
        for line in re.sub(r"\\\n\s*", " ", _joined(block)).splitlines()
        if line.strip().startswith("nas-search ")
    ] + [line for line in inline if not _LEFT_OUT.search(line)]


def _joined(block: str) -> str:
    """The block with what a quote holds over several lines on one."""
    return re.sub(r"'[^'\n]*\n[^']*'", lambda found: " ".join(found[0].split()), block)


def _prose(page: Path) -> str:
    text = _FENCED.sub("", page.read_text("utf-8"))
    return re.sub(r"`[^`\n]*`", "`code`", text)
