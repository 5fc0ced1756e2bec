"""Pieces of HTML; every text given to them is escaped."""

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

NONE = "–"
"""What stands in a cell where there is nothing to say."""
SOFT = "\u00ad"
"""A hyphen that is seen only where a line breaks at it."""


@dataclass(frozen=True, slots=True)
class Markup:
    """HTML that is ready to be put into a page."""

    text: str


def element(tag: str, *content: "str | Markup", **attributes: str) -> Markup:
    """An element around its content; `class_` is spelt with an underscore, `aria_label` too."""
    spelt = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{html.escape(value)}"'
        for name, value in attributes.items()
    )
    return Markup(f"<{tag}{spelt}>{join(content)}</{tag}>")


def image(source: str, alternative: str) -> Markup:
    """An image, and what is said in its place."""
    return Markup(f'<img src="{html.escape(source)}" alt="{html.escape(alternative)}">')


def join(content: "Iterable[str | Markup]", between: str = "") -> str:
    """Pieces side by side as one text of HTML."""
    return between.join(
        piece.text if isinstance(piece, Markup) else html.escape(piece) for piece in content
    )


def phrase(*content: "str | Markup") -> Markup:
    """Text with markup in it."""
    return Markup(join(content))


def table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    caption: "str | Markup" = "",
    words: int = 1,
    marked: Iterable[int] = (),
    name: str = "",
) -> Markup:
    """A table whose first `words` columns are words and whose others are figures.

    Rows whose index is in `marked` stand out. A cell without a word has a dash, for a blank one may
    be a fault; `name` is what the table is called where its caption does not say.
    """
    kinds = ["word" if i < words else "figure" for i in range(len(header))]
    strong = set(marked)
    head = [
        element("th", text, scope="col", class_=kind)
        for text, kind in zip(header, kinds, strict=True)
    ]
    body = [
        element(
            "tr",
            *(
                element("td", cell or NONE, class_=kind)
                for cell, kind in zip(row, kinds, strict=True)
            ),
            class_="marked" if index in strong else "plain",
        )
        for index, row in enumerate(rows)
    ]
    named = {"aria_label": name} if name else {}
    return element(
        "div",
        element(
            "table",
            *([element("caption", caption)] if caption else []),
            element("thead", element("tr", *head)),
            element("tbody", *body),
            **named,
        ),
        class_="scroll",
        # A keyboard scrolls only what it can stand on.
        tabindex="0",
        role="region",
        aria_label=name or "Table",
    )


def definitions(facts: "Mapping[str, str | Markup]") -> Markup:
    """Names and what they stand for, in two columns."""
    pairs = [
        piece
        for name, value in facts.items()
        for piece in (element("dt", name), element("dd", value))
    ]
    return element("dl", *pairs)
