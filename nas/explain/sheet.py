"""A sheet of pictures: a row an image, a column a network."""

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

SIDE = 224
"""Pixels of a picture's side"""
_GAP = 10
_SIZE = 14
_LINE = 19
"""Pixels from one line of text to the next"""
_PAPER, _INK, _FAINT = (255, 255, 255), (32, 32, 32), (110, 110, 110)


@dataclass(frozen=True, slots=True)
class Cell:
    """A picture, and what is written below it."""

    picture: Image.Image
    lines: tuple[str, ...] = ()


def sheet(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Image.Image:
    """The picture of a table with the names of its columns above it.

    Pictures of any shape are fitted into squares, whole. A text wider than its column is cut.
    """
    # The default font has the sizes and letters of a TrueType font where Pillow was built with it.
    font = ImageFont.load_default(_SIZE)
    below = max((len(cell.lines) for row in rows for cell in row), default=0)
    across, down = SIDE + _GAP, SIDE + below * _LINE + _GAP
    size = (len(columns) * across + _GAP, _LINE + len(rows) * down + 2 * _GAP)
    page = Image.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(page)
    for column, name in enumerate(columns):
        draw.text((_GAP + column * across, _GAP), _cut(name, font), _INK, font)
    for place, row in enumerate(rows):
        top = 2 * _GAP + _LINE + place * down
        for column, cell in enumerate(row):
            left = _GAP + column * across
            picture = _fitted(cell.picture)
            corner = (left + (SIDE - picture.width) // 2, top + (SIDE - picture.height) // 2)
            page.paste(picture, corner)
            for line, text in enumerate(cell.lines):
                ink = _FAINT if line else _INK
                draw.text((left, top + SIDE + 2 + line * _LINE), _cut(text, font), ink, font)
    return page


def _fitted(picture: Image.Image) -> Image.Image:
    """The picture, whole, with its longer side SIDE pixels; the other one at least 1."""
    longer = max(picture.size)
    width, height = (max(1, round(SIDE * length / longer)) for length in picture.size)
    return picture.resize((width, height), Image.Resampling.BICUBIC)


def _cut(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    if font.getlength(text) <= SIDE:
        return text
    ends = range(len(text))
    fits = bisect.bisect_right(
        ends, SIDE, key=lambda end: math.ceil(font.getlength(f"{text[:end]}…"))
    )
    return f"{text[: max(0, fits - 1)]}…"
