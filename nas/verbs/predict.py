"""What a trained network names on images, as a table."""

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from nas.data.image_files import image_files
from nas.data.names import counted, shown, some
from nas.runs.csv_files import text_cell, write_table
from nas.training.predictions import Prediction, predictions
from nas.verbs.classifiers import inference, opened
from nas.verbs.columns import table
from nas.verbs.config import Config
from nas.verbs.progress import Pace, ProgressLine
from search_spaces.errors import UserError

_LISTED = 20
"""The most images that are printed; the table has all of them"""


def predicted(config: Config) -> list[Prediction]:
    """What the network names on each image. Raises UserError for images that are not there."""
    if not config["megapixels"] > 0:
        raise UserError(f"megapixels: expected above 0, got {config['megapixels']}")
    files = image_files(config["images"], "images")
    classifier = opened(config["weights"], config)
    say(*files.notes)
    with inference(config):
        found = predictions(
            classifier,
            files.paths,
            top=config["top"],
            batch_size=config["batch_size"],
            megapixels=config["megapixels"],
        )
        return _told(found, len(files.paths))


def write(out: Path, rows: Sequence[Prediction]) -> str:
    """Write the table of predictions; its beginning, for the terminal.

    Raises UserError, with the table written, where no image could be classified.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    top = max((len(row.ranked) for row in rows), default=1) or 1
    _write(out, rows, top)
    named = [row for row in rows if not row.error]
    if not named:
        failed = some([row.path for row in rows])
        raise UserError(f"images: none could be classified: {failed}; {shown(out)} says why")
    return f"{_printed(named, top)}\nwritten to {shown(out)}: {counted(len(named), 'image')}"


def say_failed(out: Path, rows: Sequence[Prediction]) -> None:
    """Say on stderr which images could not be classified, where there are such."""
    failed = [row.path for row in rows if row.error]
    if failed:
        say(
            f"{len(failed):,} of {counted(len(rows), 'image')} could not be classified: "
            f"{some(failed)}; {shown(out)} says why"
        )


def say(*lines: str) -> None:
    """Say lines on stderr, beside the results."""
    for line in lines:
        print(f"predict: {line}", file=sys.stderr, flush=True)


def _told(found: Iterator[Prediction], images: int) -> list[Prediction]:
    """All predictions; a terminal is told how far it is, every second."""
    rows: list[Prediction] = []
    line, pace, told = ProgressLine("predict"), Pace(), time.monotonic()
    for row in found:
        rows.append(row)
        left = pace.step(images - len(rows))
        if line.stream.isatty() and time.monotonic() - told >= 1:
            told = time.monotonic()
            line(len(rows), images, "", left)
    line.end()
    return rows


def _header(top: int) -> list[str]:
    numbered = [("class", "probability")]
    numbered += [(f"class_{place}", f"probability_{place}") for place in range(2, top + 1)]
    return ["path", *(name for pair in numbered for name in pair)]


def _write(out: Path, rows: Sequence[Prediction], top: int) -> None:
    write_table(out, [*_header(top), "error"], (_cells(row, top) for row in rows))


def _cells(row: Prediction, top: int) -> list[str | float | None]:
    cells: list[str | float | None] = [text_cell(row.path)]
    for name, probability in row.ranked:
        cells += [text_cell(name), round(probability, 6)]
    cells += [None] * (2 * (top - len(row.ranked)))
    return [*cells, text_cell(row.error)]


def _printed(rows: Sequence[Prediction], top: int) -> str:
    cells = [
        [
            shown(row.path),
            *(cell for name, value in row.ranked for cell in (shown(name), f"{value:.4f}")),
        ]
        for row in rows[:_LISTED]
    ]
    more = len(rows) - _LISTED
    rest = f"\n… and {counted(more, 'image')} more" if more > 0 else ""
    return table(_header(top), cells) + rest
