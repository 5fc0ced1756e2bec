"""Pieces of HTML; every text given to them is escaped."""

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


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
) -> Markup:
    """A table whose first `words` columns are words and whose others are figures.

    Rows whose index is in `marked` stand out.
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
            *(element("td", cell, class_=kind) for cell, kind in zip(row, kinds, strict=True)),
            class_="marked" if index in strong else "plain",
        )
        for index, row in enumerate(rows)
    ]
    return element(
        "div",
        element(
            "table",
            *([element("caption", caption)] if caption else []),
            element("thead", element("tr", *head)),
            element("tbody", *body),
        ),
        class_="scroll",
    )


def definitions(facts: "Mapping[str, str | Markup]") -> Markup:
    """Names and what they stand for, in two columns."""
    pairs = [
        piece
        for name, value in facts.items()
        for piece in (element("dt", name), element("dd", value))
    ]
    return element("dl", *pairs)
