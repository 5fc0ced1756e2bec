"""Names of splits, files and classes as people write them, and as they are shown."""

import re
from collections.abc import Iterable, Mapping

from search_spaces.errors import UserError

ALIASES: Mapping[str, tuple[str, ...]] = {
    "train": ("train", "training", "training_set", "train_set"),
    "val": ("val", "valid", "validation", "dev", "val_set", "valid_set", "validation_set"),
    "test": ("test", "testing", "test_set", "testing_set"),
}
"""The names that a split may have, in upper or lower case, and with - or a space for _"""
_SPLIT_OF = {alias: split for split, aliases in ALIASES.items() for alias in aliases}
EXPECTED = "expected one each of train, val (valid, validation, dev) and test at most"


def split_of(name: str) -> str | None:
    """`train`, `val` or `test` where a name stands for one of them, or else None."""
    return _SPLIT_OF.get(name.lower().replace("-", "_").replace(" ", "_"))


def split_words(name: str) -> tuple[set[str], tuple[str, ...]]:
    """The splits that words of a longer name stand for, and its other words.

    `seg_train` gives `train` and `seg`.
    """
    words = tuple(re.findall(r"[^\W\d_]+|\d+", name.lower()))
    splits = {_SPLIT_OF[word] for word in words if word in _SPLIT_OF}
    return splits, tuple(word for word in words if word not in _SPLIT_OF)


def by_split(names: Iterable[str], where: str) -> dict[str, str]:
    """The names that stand for a split, by split. Raises UserError for two of one split."""
    found: dict[str, str] = {}
    for name in sorted(names):
        split = split_of(name)
        if split is not None and split in found:
            raise UserError(
                f"data.path: {where} has both {shown(found[split])} and {shown(name)} for its "
                f"{split} split; {EXPECTED}"
            )
        if split is not None:
            found[split] = name
    return found


def shown(name: object) -> str:
    """A name from a disk or a table for the terminal, with what cannot be printed escaped."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(name))


def text_of(name: str) -> str:
    """The name of a file or folder as text: bytes that are no UTF-8 become `\\udcff` and the like.

    No YAML, and no file in UTF-8, could hold them.
    """
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def some(names: Iterable[str], most: int = 3) -> str:
    """The first few names, and how many more there are."""
    names = list(names)
    more = len(names) - most
    return ", ".join(map(shown, names[:most])) + (f" and {more:,} more" if more > 0 else "")


def counted(count: int, noun: str) -> str:
    """A count with its noun: `1 image`, `2 images`."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
