"""`nas-search explain`: where networks see what they name, as a sheet of pictures."""

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from nas.data.image_files import image_files
from nas.data.images import open_image, quiet
from nas.data.names import counted, shown, some
from nas.explain.activation_maps import is_exact
from nas.explain.explanation import class_index, explained, upright
from nas.explain.sheet import Cell, sheet
from nas.training.classifier import ImageClassifier
from nas.verbs.classifiers import inference, opened
from nas.verbs.config import Config
from nas.verbs.outputs import file_to_write
from search_spaces.errors import UserError, one_line
from search_spaces.files import written


def main(config: Config) -> None:
    """Write the sheet. Raises UserError where no image can be decoded."""
    out = file_to_write("out", config["out"])
    if out.suffix.lower() != ".png":
        raise UserError(f"out: expected a file ending in .png, got {shown(out)}")
    files = image_files(config["images"], "images")
    several = len(config["weights"]) > 1
    classifiers = [
        opened(weights, config, f"weights[{number}]" if several else "weights")
        for number, weights in enumerate(config["weights"])
    ]
    names = _names(classifiers, config["weights"])
    if config["class"] is not None:
        for classifier in classifiers:
            class_index(classifier, config["class"])
    _say(*files.notes)
    chosen = files.paths[: config["most"]]
    if len(chosen) < len(files.paths):
        _say(f"the first {len(chosen)} of {len(files.paths):,} images; most=… shows more")
    with inference(config):
        rows = _rows(chosen, classifiers, config)
    out.parent.mkdir(parents=True, exist_ok=True)
    with written(out) as file:
        sheet(["image", *map(shown, names)], rows).save(file, "png")
    what = f"{counted(len(rows), 'image')} by {counted(len(names), 'network')}"
    print(f"written to {shown(out)}: {what}{_kind(classifiers)}")


def _rows(
    paths: Sequence[str], classifiers: Sequence[ImageClassifier], config: Config
) -> list[list[Cell]]:
    """A row an image that can be decoded; others are said."""
    rows, failed = [], {}
    for path in paths:
        try:
            with quiet():
                opened_image = open_image(Path(path), config["megapixels"], "megapixels")
                image = upright(opened_image, classifiers)
        except Exception as error:  # decoders raise anything for files that are damaged
            failed[path] = one_line(str(error)) or type(error).__name__
            continue
        cells = [explained(image, each, config["class"]) for each in classifiers]
        rows.append([Cell(image, (shown(Path(path).name),)), *cells])
    if failed:
        first = next(iter(failed.values()))
        line = f"{len(failed):,} of {counted(len(paths), 'image')} cannot be decoded"
        line = f"{line}: {some(failed)}: {first}"
        if not rows:
            raise UserError(f"images: {line}")
        _say(line)
    return rows


def _names(classifiers: Sequence[ImageClassifier], weights: Sequence[str]) -> list[str]:
    """What the columns are called; by their paths where two networks have one name."""
    counts = Counter(each.name for each in classifiers)
    return [
        each.name if counts[each.name] == 1 else path
        for each, path in zip(classifiers, weights, strict=True)
    ]


def _kind(classifiers: Sequence[ImageClassifier]) -> str:
    """Which maps are of the first order only."""
    others = [each.name for each in classifiers if not is_exact(each.network)]
    return f"; Grad-CAM, not exact, for {some(others)}" if others else ""


def _say(*lines: str) -> None:
    for line in lines:
        print(f"explain: {line}", file=sys.stderr, flush=True)
