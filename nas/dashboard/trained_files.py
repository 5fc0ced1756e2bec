"""What whole trainings left in a run folder, as data frames; no weights are read."""

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from nas.networks.cost import cost
from nas.networks.trained_header import WEIGHTS, card_in
from search_spaces.errors import UserError
from search_spaces.files import read_bytes, read_text
from search_spaces.yaml_io import load_arch

SHEET = "cam.png"
MOST_SHEET = 3 * 2**20
"""Bytes of the largest sheet of activation maps that is put into a page."""
NUMBERS = (
    *("pixels", "params", "macs", "epochs", "best_epoch", "minival"),
    *("test", "test_low", "test_high", "top1", "top1_low", "top1_high"),
    *("test_images", "classes"),
)
WORDS = ("name", "folder", "dataset", "metric")
CURVE = ("epoch", "lr", "train_loss", "train_accuracy", "minival")
_MOST_BYTES = 64 * 2**20
_MOST_CLASSES = 1000


@dataclass(frozen=True, slots=True)
class Confusion:
    """Images of each class, a row, by the class that they were taken for, a column."""

    name: str
    """The network's."""
    split: str
    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet of activation maps."""

    file: str
    """Its path in the run folder."""
    png: bytes | None
    """None where it is too large for a page."""


@dataclass(frozen=True, slots=True)
class Trained:
    """The whole trainings of a run folder."""

    networks: pd.DataFrame
    """One row a network that is trained, smallest first; accuracies are fractions."""
    curves: Mapping[str, pd.DataFrame]
    """By name, an epoch a row: `epoch`, `train_accuracy`, `minival` …; of those under way too."""
    confusion: Confusion | None
    """The confusion of the largest network whose figures are there."""
    sheet: Sheet | None

    @property
    def under_way(self) -> tuple[str, ...]:
        """Names of the trainings that have not ended."""
        return tuple(name for name in self.curves if name not in set(self.networks["name"]))


def read_trained(run: Path) -> Trained:
    """What is in `RUN/trained`. Raises UserError for files that are not what their names say."""
    folders = sorted(path for path in (run / "trained").glob("*") if path.is_dir())
    rows = [_row(folder) for folder in folders if (folder / WEIGHTS).exists()]
    networks = pd.DataFrame(rows, columns=[*WORDS, *NUMBERS])
    for name in NUMBERS:
        networks[name] = pd.to_numeric(networks[name], errors="coerce")
    networks = networks.sort_values(["macs", "name"], kind="stable", ignore_index=True)
    curves = {path.name: _curve(path / "log.jsonl") for path in folders}
    places = [run / "trained" / name for name in reversed(networks["name"].tolist())]
    return Trained(
        networks=networks,
        curves={name: curve for name, curve in curves.items() if len(curve)},
        confusion=next((found for place in places for found in _confusions(place)), None),
        sheet=next(
            (_sheet(place / SHEET, run) for place in (run, run / "trained", *places)
             if (place / SHEET).is_file()),
            None,
        ),
    )  # fmt: skip


def _row(folder: Path) -> dict[str, Any]:
    card = card_in(folder / WEIGHTS)
    arch = load_arch(str(folder / "network.yaml"))
    price, test, data = cost(arch), card.get("test"), card.get("data")
    test = test if isinstance(test, Mapping) else {}
    metric = "mean_per_class" if card.get("metric") == "mean_per_class" else "accuracy"
    return {
        "name": folder.name,
        "folder": f"trained/{folder.name}",
        "dataset": str(data.get("name", "")) if isinstance(data, Mapping) else "",
        "pixels": arch.resolution,
        "classes": arch.num_classes,
        "params": price.params,
        "macs": price.macs,
        **{name: _number(card.get(name)) for name in ("epochs", "best_epoch", "minival")},
        "metric": metric,
        **_accuracy("test", test.get(metric)),
        **_accuracy("top1", test.get("accuracy")),
        "test_images": _number(test.get("images")),
    }


def _accuracy(name: str, given: object) -> dict[str, float | None]:
    told = given if isinstance(given, Mapping) else {}
    ends = {f"{name}_{end}": _number(told.get(end)) for end in ("low", "high")}
    return {name: _number(told.get("value")), **ends}


def _number(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    try:
        number = float(value) if is_number else math.nan  # type: ignore[arg-type]
    except OverflowError:  # JSON's integers have no end
        return None
    return number if math.isfinite(number) else None


def _curve(path: Path) -> pd.DataFrame:
    """The epochs of a training's log. A last line that was cut off is left out."""
    rows = []
    if path.exists():
        lines = read_text(path, _MOST_BYTES).splitlines()
        for number, line in enumerate(lines, start=1):
            try:
                row = json.loads(line)
                rows.append({name: _number(row.get(name)) for name in CURVE})
            except (ValueError, AttributeError, RecursionError):
                raise UserError(f"{path}: line {number}: no record of an epoch") from None
    curve = pd.DataFrame(rows, columns=list(CURVE), dtype=float)
    return curve[curve["epoch"].notna()].reset_index(drop=True)


def _confusions(folder: Path) -> Iterator[Confusion]:
    """What `nas-search evaluate` counted on the test images, or on others where these are all."""
    files = sorted(folder.glob("*_confusion.csv"), key=lambda path: not path.name.startswith("t"))
    for path in files:
        text = read_bytes(path, _MOST_BYTES).decode("utf-8", "replace")
        try:
            header, *rows = [*csv.reader(io.StringIO(text))] or [[]]
            if len(header) - 1 > _MOST_CLASSES:
                continue
            counts = tuple(tuple(map(int, row[1:])) for row in rows)
        except (ValueError, csv.Error):
            raise UserError(f"{path}: expected counts of images") from None
        if not rows or {len(row) for row in counts} != {len(rows)} or len(header) != len(rows) + 1:
            raise UserError(f"{path}: expected a row and a column for each class")
        split = path.name.partition("_")[0]
        yield Confusion(folder.name, split, tuple(header[1:]), counts)


def _sheet(path: Path, run: Path) -> Sheet:
    file = str(path.relative_to(run))
    if path.stat().st_size > MOST_SHEET:
        return Sheet(file, None)
    png = read_bytes(path, MOST_SHEET)
    if not png.startswith(b"\x89PNG\r\n\x1a\n"):
        raise UserError(f"{path}: expected an image as PNG")
    return Sheet(file, png)
