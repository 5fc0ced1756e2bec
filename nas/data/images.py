"""Encoded images: opened, and converted to the 8-bit RGB that their authors see."""

import contextlib
import functools
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image, ImageOps

FORMATS = (
    *("JPEG", "PNG", "WEBP"),
    *("AVIF", "BMP", "CUR", "DCX", "DDS", "DIB", "FLI", "GIF", "ICNS", "ICO", "IM"),
    *("JPEG2000", "MSP", "PCD", "PCX", "PPM", "PSD", "QOI", "SGI", "SUN", "TGA"),
    *("TIFF", "XBM", "XPM"),
)
"""The formats that Pillow may try on a file, one after the other: the usual ones come first. EPS
and WMF are left out, which it hands to other programs to draw, and so are formats that it
recognises and cannot decode."""
_SIXTEEN_BITS = frozenset({"I;16", "I;16B", "I;16L", "I;16N"})
_DEEP_AS_32 = frozenset({"PNG", "PPM"})
"""Formats of at most 16 bits that Pillow may open as 32"""
_NO_WHITE = {"F": "floating-point numbers", "I": "32-bit integers"}
_STILL = frozenset({"MPO", "PSD"})
"""Formats whose further frames are layers, thumbnails or depth: the first one is the whole image"""
_ORIENTED = frozenset({"exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif"})


@dataclass(frozen=True, slots=True)
class ImageSummary:
    """How many images were decoded, of what sizes, and how many of them are unusual."""

    images: int = 0
    smallest: int = 0
    """Pixels of the shortest side"""
    largest: int = 0
    """Pixels of the longest side"""
    transparent: int = 0
    """Images with pixels that are not opaque"""
    deep: int = 0
    """Images of 16 bits a channel"""
    brightest: int = 0
    """The brightest pixel of those, from 0 to 65,535"""
    animated: int = 0
    """Images of several frames or pages"""
    astray: int = 0
    """Images whose orientation cannot be read"""

    def __add__(self, other: "ImageSummary") -> "ImageSummary":
        if not self.images or not other.images:
            return self if self.images else other
        return ImageSummary(
            self.images + other.images,
            min(self.smallest, other.smallest),
            max(self.largest, other.largest),
            self.transparent + other.transparent,
            self.deep + other.deep,
            max(self.brightest, other.brightest),
            self.animated + other.animated,
            self.astray + other.astray,
        )


@functools.cache
def suffixes() -> frozenset[str]:
    """Suffixes of files that are taken for images without a look inside: .jpg, .png, …"""
    known = {suffix for suffix, name in Image.registered_extensions().items() if name in _formats()}
    return frozenset(known | {".jfi", ".jif", ".mpo"})


@functools.cache
def _recognised() -> tuple[str, ...]:
    """The formats that a file of another suffix may have; any bytes may begin a TGA."""
    return tuple(name for name in _formats() if name != "TGA")


@functools.cache
def _formats() -> tuple[str, ...]:
    """The formats of `FORMATS` that this build of Pillow has."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def is_image(path: str) -> bool:
    """Whether a file is an image: by its suffix, or else by how it begins."""
    if os.path.splitext(path)[1].lower() in suffixes():
        return True
    try:
        with quiet(), Image.open(path, formats=_recognised()):
            return True
    except Exception:  # decoders raise anything for what is none of theirs
        return False


_UNDECODABLE = frozenset(
    {
        *(".heic", ".heif", ".jxl", ".svg", ".svgz", ".eps", ".ps", ".pdf", ".wmf", ".emf"),
        *(".raw", ".dng", ".cr2", ".cr3", ".nef", ".arw"),
    }
)
"""Suffixes of pictures for which Pillow has no decoder of its own"""


def is_undecodable(path: str) -> bool:
    """Whether a file that `is_image` refuses is likely a picture all the same, by its suffix."""
    return os.path.splitext(path)[1].lower() in _UNDECODABLE


def open_image(file: Path | IO[bytes], megapixels: float) -> Image.Image:
    """An image whose pixels are not decoded yet.

    Raises OSError or ValueError for a file of none of `FORMATS`, and for more than `megapixels`.
    """
    with _unbounded():
        image = Image.open(file, formats=_formats())
    pixels = image.width * image.height
    if pixels > megapixels * 1e6:
        raise ValueError(
            f"it has {pixels / 1e6:.1f} megapixels, more than data.megapixels={megapixels:g}"
        )
    return image


def rgb(image: Image.Image, side: int) -> tuple[Image.Image, ImageSummary]:
    """The image upright and in 8-bit RGB, and a summary of what it was.

    A larger JPEG may come back smaller, but with sides of at least 2 · `side`. Of several frames
    the first is taken; what is transparent becomes white; 16 bits become 8 by 1/257. Raises
    ValueError for pixels without a known white: floating-point numbers and 32-bit integers.
    """
    found = ImageSummary(1, min(image.size), max(image.size))
    # A JPEG far larger than that is decoded at a half, a quarter or an eighth of its size.
    image.draft("RGB", (2 * side, 2 * side))
    if image.format not in _STILL and getattr(image, "is_animated", False):
        found = replace(found, animated=1)
    image.load()
    deep = image.mode in _SIXTEEN_BITS or (image.mode == "I" and image.format in _DEEP_AS_32)
    image, upright = _upright(image)
    found = replace(found, astray=int(not upright))
    if deep:
        image, brightest = _eight_bits(image)
        found = replace(found, deep=1, brightest=brightest)
    if image.mode in _NO_WHITE:
        raise ValueError(
            f"its pixels are {_NO_WHITE[image.mode]} (mode {image.mode}), whose white is unknown; "
            "save it with 8 or 16 bits a channel"
        )
    if image.has_transparency_data:
        image = image.convert("RGBA")
        if image.getchannel("A").getextrema() != (255, 255):
            found = replace(found, transparent=1)
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB"), found


def _upright(image: Image.Image) -> tuple[Image.Image, bool]:
    """The image turned upright, and whether its orientation could be read."""
    # Pillow turns a TIFF while decoding it, and such an image has no orientation left.
    if _ORIENTED.isdisjoint(image.info):
        return image, True
    try:
        # For some formats Pillow ignores tags that it cannot read; this raises for them.
        Image.Exif().load(image.info.get("exif", b""))
        return ImageOps.exif_transpose(image), True
    except Exception:  # a damaged tag raises anything, and the pixels are whole
        return image, False


def _eight_bits(image: Image.Image) -> tuple[Image.Image, int]:
    """A grey image of 16 bits converted to 8 bits, and its brightest pixel in 16."""
    values = np.asarray(image).astype(np.int64)
    eight = (values + 128) // 257
    return Image.fromarray(eight.clip(0, 255).astype(np.uint8)), int(values.max())


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Inside, Pillow does not warn: what matters is raised or reported by our own code."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\b")
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        yield


@contextlib.contextmanager
def _unbounded() -> Iterator[None]:
    """Inside, Pillow's own limit of pixels is off: it would hold for the whole process."""
    before = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = before
