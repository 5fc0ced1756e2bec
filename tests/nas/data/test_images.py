"""Pictures of every depth, with transparency, turned, animated or damaged: what a network sees."""

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from nas.data.dataset import decode
from nas.data.folders import Files, ImageFolder
from nas.data.images import FORMATS, ImageSummary, is_image
from nas.data.sources import Split
from pictures import encoded, image_folder, picture
from search_spaces.errors import UserError


def seen(path: Path, side: int = 8, megapixels: float = 179.0) -> tuple[np.ndarray, ImageSummary]:
    """The picture in a file as a network of `side` pixels sees it, and what it was found to be."""
    files = Files((str(path),), megapixels)
    split = Split(np.array([0]), np.array([0]), files.read, files.where)
    images, summary = decode(split, side)
    return images[0], summary


def refusal(path: Path, **options: float) -> str:
    with pytest.raises(UserError) as caught:
        seen(path, **options)
    assert len(str(caught.value).splitlines()) == 1
    assert str(path) in str(caught.value)
    return str(caught.value)


def saved(image: Image.Image, path: Path, **options: object) -> Path:
    image.save(path, **options)
    return path


def grey(values: list[int], dtype: type) -> Image.Image:
    """A picture of 8 × 8 pixels, a column a value."""
    return Image.fromarray(np.tile(np.array(values, dtype), (8, 1)))


SIXTEEN = [0, 257, 2570, 10000, 25700, 40000, 65278, 65535]
EIGHT = [0, 1, 10, 39, 100, 156, 254, 255]


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm", "jp2"])
def test_sixteen_bits_become_eight_by_1_257(suffix, tmp_path):
    path = saved(grey(SIXTEEN, np.uint16), tmp_path / f"a.{suffix}")
    image, summary = seen(path)
    assert image[0, :, 0].tolist() == EIGHT
    assert (image == image[..., :1]).all()
    assert (summary.deep, summary.brightest) == (1, 65535)


def test_big_endian_sixteen_bits_are_no_others(tmp_path):
    path = tmp_path / "a.tif"
    image = Image.frombytes("I;16B", (8, 8), np.tile(np.array(SIXTEEN, ">u2"), (8, 1)).tobytes())
    image.save(path)
    assert seen(path)[0][0, :, 0].tolist() == EIGHT


@pytest.mark.parametrize(
    ("dtype", "fragment"), [(np.float32, "floating-point numbers"), (np.int32, "32-bit integers")]
)
def test_pixels_without_a_known_white_are_refused_with_a_remedy(dtype, fragment, tmp_path):
    message = refusal(saved(grey(EIGHT, dtype), tmp_path / "a.tif"))
    assert fragment in message
    assert "save it with 8 or 16 bits a channel" in message


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_shows_white(mode, tmp_path):
    drawing = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    drawing.paste((0, 0, 0, 255), (0, 0, 8, 4))
    image, summary = seen(saved(drawing.convert(mode), tmp_path / "a.png"))
    assert (image[0] == 0).all()
    assert (image[-1] == 255).all()
    assert summary.transparent == 1


def test_half_transparent_pixels_are_half_white(tmp_path):
    path = saved(Image.new("RGBA", (8, 8), (0, 0, 200, 51)), tmp_path / "a.webp", lossless=True)
    assert seen(path)[0][0, 0].tolist() == [204, 204, 244]


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_transparent_colour_shows_white(mode, tmp_path):
    black = 0 if mode == "L" else (0, 0, 0)
    path = saved(Image.new(mode, (8, 8), black), tmp_path / "a.png", transparency=black)
    assert (seen(path)[0] == 255).all()


def test_an_opaque_alpha_channel_is_no_transparency(tmp_path):
    image, summary = seen(saved(picture(0).convert("RGBA"), tmp_path / "a.png"))
    assert summary.transparent == 0
    assert (image == seen(saved(picture(0), tmp_path / "b.png"))[0]).all()


@pytest.mark.parametrize(
    ("mode", "name"), [("1", "a.png"), ("L", "a.png"), ("P", "a.gif"), ("CMYK", "a.jpg")]
)
def test_other_modes_keep_black_and_white(mode, name, tmp_path):
    image = Image.new("RGB", (64, 32), "white")
    image.paste("black", (16, 0, 32, 32))
    found, _ = seen(saved(image.convert(mode), tmp_path / name))
    assert found[4, 1].max() < 12
    assert found[4, 6].min() > 243


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.tif", "a.avif"])
def test_pictures_are_turned_as_the_camera_says(name, tmp_path):
    upright = Image.new("RGB", (64, 64), "white")
    upright.paste("black", (0, 0, 64, 32))
    exif = Image.Exif()
    exif[0x0112] = 6  # shown after a quarter turn clockwise
    path = saved(upright.rotate(90), tmp_path / name, exif=exif)
    image, _ = seen(path)
    assert image[1].max() < 30
    assert image[-2].min() > 225


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp"])
def test_an_unreadable_orientation_is_counted_and_the_picture_read(name, tmp_path):
    exif = b"Exif\0\0XX\0*\0\0\0\x08\0\x01"
    image, summary = seen(saved(picture(0, 64, 64), tmp_path / name, exif=exif))
    assert image.std() > 0
    assert summary.astray == 1


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png", "a.tif"])
def test_of_several_frames_the_first_is_read(name, tmp_path):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("white", "black")]
    path = saved(frames[0], tmp_path / name, save_all=True, append_images=frames[1:])
    image, summary = seen(path)
    assert image.min() > 250
    assert summary.animated == 1


def test_a_phones_second_picture_is_no_frame(tmp_path):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("white", "black")]
    path = saved(frames[0], tmp_path / "a.mpo", save_all=True, append_images=frames[1:])
    image, summary = seen(path)
    assert image.min() > 250
    assert summary.animated == 0


def test_sizes_are_those_of_the_files(tmp_path):
    _, summary = seen(saved(Image.new("RGB", (900, 700)), tmp_path / "a.jpg"), side=8)
    assert (summary.images, summary.smallest, summary.largest) == (1, 700, 900)


def test_the_largest_number_of_pixels_is_a_setting(tmp_path):
    path = saved(Image.new("L", (1500, 1000)), tmp_path / "a.png")
    assert seen(path, megapixels=1.5)[0].shape == (8, 8, 3)
    message = refusal(path, megapixels=1.4)
    assert "it has 1.5 megapixels, more than data.megapixels=1.4" in message


def test_over_179_megapixels_are_read_where_allowed(tmp_path):
    path = saved(Image.new("L", (20000, 9000), 255), tmp_path / "a.jpg")
    assert "data.megapixels=179" in refusal(path)
    assert seen(path, megapixels=180)[0].min() == 255


@pytest.mark.parametrize("megapixels", [0, -1, float("nan"), float("inf")])
def test_an_impossible_number_of_pixels_is_refused(megapixels, tmp_path):
    root = image_folder(tmp_path, {"a": 3, "b": 3})
    with pytest.raises(UserError, match=r"data\.megapixels: expected above 0"):
        ImageFolder(name="x", path=str(root), megapixels=megapixels).open()


def test_nothing_is_handed_to_other_programs(tmp_path, monkeypatch):
    def run(*arguments: object) -> None:
        raise AssertionError(f"Ghostscript was called: {arguments}")

    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", run)
    buffer = io.BytesIO()
    picture(0).save(buffer, "eps")
    for name in ("a.jpg", "a.png", "a.tga", "a.eps", "a"):
        (tmp_path / name).write_bytes(buffer.getvalue())
        refusal(tmp_path / name)
    assert not is_image(str(tmp_path / "a.eps"))
    assert not is_image(str(tmp_path / "a"))
    assert not {"EPS", "WMF", "PDF"} & set(FORMATS)


def test_a_truncated_file_is_named(tmp_path):
    for suffix in ("jpg", "png", "gif", "webp", "bmp", "tif"):
        path = saved(picture(0, 200, 200), tmp_path / f"a.{suffix}")
        path.write_bytes(path.read_bytes()[:-2000])
        assert "cannot be decoded" in refusal(path)


def test_an_empty_file_is_named(tmp_path):
    (tmp_path / "a.jpg").touch()
    assert "cannot be decoded" in refusal(tmp_path / "a.jpg")


SAVED = [("png", {}), ("gif", {}), ("tiff", {"compression": "tiff_lzw"}), ("webp", {}), ("tga", {})]


@settings(max_examples=150)
@given(st.data())
def test_damage_of_any_kind_is_a_picture_or_one_line(tmp_path_factory, data):
    kind, options = data.draw(st.sampled_from(SAVED))
    buffer = io.BytesIO()
    picture(0, 9, 7).save(buffer, kind, **options)
    content = bytearray(buffer.getvalue())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / f"damaged.{kind}"
    path.write_bytes(content)
    try:
        image, _ = seen(path, megapixels=1)
    except UserError as error:
        said = str(error)
    else:
        said = f"a picture of {len(image)} px"
    assert len(said.splitlines()) == 1


def test_a_pictures_pixels_are_what_they_were(tmp_path):
    """What a network sees of an ordinary picture has not changed since the first release."""
    (tmp_path / "a.png").write_bytes(encoded(0))
    image, _ = seen(tmp_path / "a.png", side=20)
    assert (image == np.asarray(picture(0).crop((0, 5, 20, 25)))).all()
