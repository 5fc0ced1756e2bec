"""Images without labels: files by their names, and whatever images are below a folder."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from nas.data.listing import Listing
from nas.data.names import shown
from search_spaces.errors import UserError


@dataclass(frozen=True, slots=True)
class ImageFiles:
    """The paths of images, and what was left out beside them."""

    paths: tuple[str, ...]
    notes: tuple[str, ...]
    """A line for each folder of which something was left out."""


def image_files(given: Sequence[str], setting: str) -> ImageFiles:
    """The images at paths that were given as `setting`: files as named, folders walked, sorted.

    Pictures in folders whose format is not decoded here are among them, so that they are missed.
    Raises UserError for a path where nothing is, a device or a pipe, a folder without an image, and
    links by which an image would count twice.
    """
    found: list[str] = []
    notes: list[str] = []
    for path in given:
        if not os.path.exists(path):
            raise UserError(f"{setting}: no such file or folder: {shown(path)}")
        if os.path.isdir(path):
            found += _below(path.rstrip("/") or "/", setting, notes)
        elif os.path.isfile(path):
            found.append(path)
        else:
            raise UserError(f"{setting}: {shown(path)} is a device or a pipe; expected an image")
    return ImageFiles(tuple(found), tuple(notes))


def _below(folder: str, setting: str, notes: list[str]) -> list[str]:
    listing = Listing(folder, setting)
    images = listing.images(folder)
    images += [f"{folder}/{inner}" for inner in listing.left_out.pop("undecodable", [])]
    left_out = listing.notes()
    if not images:
        beside = f"; {left_out[0]}" if left_out else ""
        raise UserError(f"{setting}: {shown(folder)} has no images{beside}")
    notes += [f"{shown(folder)}: {note}" for note in left_out]
    return sorted(images)
