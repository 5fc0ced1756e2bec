"""Operations on 8-bit RGB images that policies of augmentation are made of."""

from collections.abc import Callable, Mapping

from PIL import Image, ImageEnhance, ImageOps

Operation = Callable[[Image.Image, float], Image.Image]
"""It gives a changed image of the same size, from an image and an amount in the unit below."""

FILL = (128, 128, 128)
"""What is seen beyond the edge of an image that was moved: grey, as in EfficientNet's training"""


def shear_x(image: Image.Image, slope: float) -> Image.Image:
    """Rows moved to the left by `slope` pixels for each row, from the first on."""
    return _affine(image, (1, slope, 0, 0, 1, 0))


def shear_y(image: Image.Image, slope: float) -> Image.Image:
    """Columns moved upward by `slope` pixels for each column, from the first on."""
    return _affine(image, (1, 0, 0, slope, 1, 0))


def translate_x(image: Image.Image, fraction: float) -> Image.Image:
    """The image moved to the left by a fraction of its width, in whole pixels."""
    return _affine(image, (1, 0, round(fraction * image.width), 0, 1, 0))


def translate_y(image: Image.Image, fraction: float) -> Image.Image:
    """The image moved upward by a fraction of its height, in whole pixels."""
    return _affine(image, (1, 0, 0, 0, 1, round(fraction * image.height)))


def rotate(image: Image.Image, degrees: float) -> Image.Image:
    """The image turned about its centre, counter-clockwise."""
    return image.rotate(degrees, fillcolor=FILL)


def posterize(image: Image.Image, bits: float) -> Image.Image:
    """Each value reduced to its highest `bits` bits, from 1 to 8; the others become zero."""
    return ImageOps.posterize(image, round(bits))


def solarize(image: Image.Image, threshold: float) -> Image.Image:
    """Values of at least `threshold`, from 0 to 256, inverted."""
    return ImageOps.solarize(image, round(threshold))


def color(image: Image.Image, factor: float) -> Image.Image:
    """The image mixed with its grey version: 0 is grey, 1 the image, 2 twice as colourful."""
    return ImageEnhance.Color(image).enhance(factor)


def contrast(image: Image.Image, factor: float) -> Image.Image:
    """The image mixed with its mean grey: 0 is that grey, 1 the image."""
    return ImageEnhance.Contrast(image).enhance(factor)


def brightness(image: Image.Image, factor: float) -> Image.Image:
    """Each value times `factor`, up to 255."""
    return ImageEnhance.Brightness(image).enhance(factor)


def sharpness(image: Image.Image, factor: float) -> Image.Image:
    """The image mixed with a smoothed version: 0 is smooth, 1 the image, 2 sharpened."""
    return ImageEnhance.Sharpness(image).enhance(factor)


def autocontrast(image: Image.Image, _: float) -> Image.Image:
    """Each channel stretched to reach from 0 to 255."""
    return ImageOps.autocontrast(image)


def equalize(image: Image.Image, _: float) -> Image.Image:
    """Each channel's histogram made as even as a map of values can make it."""
    return ImageOps.equalize(image)


def invert(image: Image.Image, _: float) -> Image.Image:
    """255 minus each value."""
    return ImageOps.invert(image)


def identity(image: Image.Image, _: float) -> Image.Image:
    """The image as it is."""
    return image


OPERATIONS: Mapping[str, Operation] = {
    operation.__name__: operation
    for operation in (
        *(shear_x, shear_y, translate_x, translate_y, rotate, posterize, solarize),
        *(color, contrast, brightness, sharpness, autocontrast, equalize, invert, identity),
    )
}


def _affine(
    image: Image.Image, matrix: tuple[float, float, float, float, float, float]
) -> Image.Image:
    """The image whose pixel at (x, y) is the given one's at (ax + by + c, dx + ey + f)."""
    # The nearest pixel is taken, as in the papers' code: a tenth of the time of interpolation.
    return image.transform(image.size, Image.Transform.AFFINE, matrix, fillcolor=FILL)
