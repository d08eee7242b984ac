"""Reading of image folders: pixels, inferred modes, refused and skipped files."""

import os
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from munjang.data.images import decode
from munjang.data.images.decode import decode_image
from munjang.data.images.read import get_image_settings, read_images
from munjang.data.images.settings import ImageSettings, parse_size
from munjang.data.samples.images import load_digits, write_image_folder
from munjang.errors import ConfigError, DataError

GUESS = ImageSettings()


def make_image_folder(top: Path, classes: int = 2, images: int = 3, *, mode: str = "L") -> Path:
    """Images of 6 x 4 (height x width), each another one, in a folder with subfolders."""
    random = np.random.default_rng(0)
    shape = (6, 4) if mode == "L" else (6, 4, 3)
    for label in "abcdef"[:classes]:
        (top / label).mkdir(parents=True)
        for number in range(images):
            pixels = random.integers(0, 256, shape, dtype=np.uint8)
            Image.fromarray(pixels).save(top / label / f"{number}.png")
    return top


def refusal_message(data: Any, form: ImageSettings = GUESS, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        read_images(data, form, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(("mode", "name", "channels"), [("L", "gray", 1), ("RGB", "color", 3)])
def test_read_infers_and_reports_size_and_mode(
    tmp_path: Path, mode: str, name: str, channels: int
) -> None:
    images = read_images(make_image_folder(tmp_path, mode=mode), GUESS)
    assert images["image"].shape == (6, channels, 6, 4)
    assert images["image"].dtype == np.uint8
    assert images.targets is not None
    assert images.targets.to_list() == list("aaabbb")
    assert get_image_settings(images) == ImageSettings(mode=name, size=(6, 4))
    size, seen = images.notes
    assert size == "size: 6x4, height x width (inferred: all images have it)"
    assert seen.startswith(f"mode: {name} (inferred: ")
    first = np.asarray(Image.open(tmp_path / "a" / "0.png"))
    expected = first[None] if mode == "L" else first.transpose(2, 0, 1)
    assert np.array_equal(images["image"][0], expected)


def test_gray_images_saved_as_rgb_are_read_as_gray(tmp_path: Path) -> None:
    gray = read_images(make_image_folder(tmp_path / "x"), GUESS)
    for path in (tmp_path / "x").rglob("*.png"):
        Image.open(path).convert("RGB").save(path)
    repeated = read_images(tmp_path / "x", GUESS)
    assert get_image_settings(repeated) == get_image_settings(gray)
    assert np.array_equal(repeated["image"], gray["image"])


def test_different_sizes_are_resized_to_bounded_median(tmp_path: Path) -> None:
    make_image_folder(tmp_path)
    Image.new("L", (300, 10)).save(tmp_path / "a" / "wide.png")
    assert "the median is 6x4" in read_images(tmp_path, GUESS).notes[0]
    for number, path in enumerate(sorted(tmp_path.rglob("*.png"))):
        Image.new("L", (200, 100), number).save(path)
    large = read_images(tmp_path, GUESS)
    assert large["image"].shape[2:] == (32, 64)
    assert "all images have 100x200, shrunk to 64" in large.notes[0]


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "bmp", "webp"])
@pytest.mark.parametrize("mode", ["L", "RGB", "P", "1", "RGBA"])
def test_decode_every_format_and_mode(tmp_path: Path, suffix: str, mode: str) -> None:
    if suffix == "jpg" and mode in ("P", "RGBA"):
        mode = "CMYK"
    path = tmp_path / f"x.{suffix}"
    image = Image.new("RGB", (9, 5), (255, 255, 255))
    image = image.quantize(2) if mode == "P" else image.convert(mode)  # nothing to dither
    image.save(path)
    for name, channels in (("gray", 1), ("color", 3)):
        pixels = decode_image(path, "x", name, (5, 9))  # type: ignore[arg-type]
        assert pixels.shape == (channels, 5, 9)
        assert (pixels >= 240).all()


def test_decode_transparent_as_white_and_scale_16_bits(tmp_path: Path) -> None:
    clear = np.zeros((3, 3, 4), dtype=np.uint8)
    assert (decode_image(clear, "x", "gray", (3, 3)) == 255).all()
    path = tmp_path / "deep.png"
    Image.fromarray(np.array([[0, 32896, 65535]], dtype=np.uint16)).save(path)
    assert decode_image(path, "x", "gray", (1, 3)).tolist() == [[[0, 128, 255]]]


def test_decode_applies_exif_orientation(tmp_path: Path) -> None:
    path = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("L", (8, 4)).save(path, exif=exif)
    (tmp_path / "a").mkdir()
    assert decode.decode_image(path, "x", "gray", (8, 4)).shape == (1, 8, 4)


def test_invalid_folders_are_refused(tmp_path: Path) -> None:
    assert "there is no such folder; did you mean 'digits'?" in refusal_message(
        str(tmp_path / "digit")
    )
    (tmp_path / "file").write_text("x")
    assert "this is a file" in refusal_message(tmp_path / "file")
    flat = make_image_folder(tmp_path / "flat") / "a"
    assert "found 3 files and no subfolder" in refusal_message(flat)
    empty = make_image_folder(tmp_path / "empty")
    (empty / "c").mkdir()
    assert "the class 'c' is empty" in refusal_message(empty)
    outer = tmp_path / "outer"
    make_image_folder(outer / "train")
    message = refusal_message(outer)
    assert "found only folders (a, b)" in message
    assert f"give {outer / 'train'} itself" in message


def test_class_folders_are_merged_by_normal_form(tmp_path: Path) -> None:
    make_image_folder(tmp_path, classes=3)
    for old, new in (("a", "나쁨"), ("b", unicodedata.normalize("NFD", "나쁨")), ("c", "좋음")):
        (tmp_path / old).rename(tmp_path / new)
    os.mkfifo(tmp_path / "좋음" / "pipe.png")  # read, it would never end
    images = read_images(tmp_path, GUESS)
    assert sorted(images.targets.to_list()) == ["나쁨"] * 6 + ["좋음"] * 3
    assert any("two Unicode normal forms" in note for note in images.notes)
    assert any("1 left out" in note for note in images.notes)


def test_non_image_file_is_named_or_skipped(tmp_path: Path) -> None:
    make_image_folder(tmp_path)
    bad = tmp_path / "b" / "readme.txt"
    bad.write_text("not an image")
    (tmp_path / "a" / ".DS_Store").write_text("hidden")
    (tmp_path / "note.txt").write_text("beside")
    message = refusal_message(tmp_path)
    assert message.startswith(f"{bad}: expected an image")
    assert "--skip-bad-rows" in message
    images = read_images(tmp_path, GUESS, skip_bad=True)
    assert len(images) == 6
    assert images.skipped == {"no readable image": 1}
    assert "1 left out" in images.notes[0]
    for path in (tmp_path / "b").glob("*.png"):
        path.write_bytes(b"")
    assert "no file of the class 'b'" in refusal_message(tmp_path, skip_bad=True)


@pytest.mark.parametrize("factor", [0.4, 0.6])
def test_pillow_decompression_limit_is_respected(
    tmp_path: Path, factor: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_image_folder(tmp_path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", round(24 * factor))
    assert "decompression bomb" in refusal_message(tmp_path)


def test_read_images_from_python(tmp_path: Path) -> None:
    make_image_folder(tmp_path)
    array = np.full((6, 4), 7, dtype=np.uint8)
    pair = [tmp_path / "a" / "0.png", array, Image.fromarray(array)], [1, "x", 1]
    images = read_images(pair, GUESS)
    assert images.targets is not None
    assert images.targets.to_list() == ["1", "x", "1"]
    assert images.place(1) == ("images[1]", 0)
    assert (images["image"][1] == 7).all()
    assert "got float64 [6, 4]" in refusal_message(([array / 255], ["a"]))
    assert "got 1 images and 2 labels" in refusal_message(([array], ["a", "b"]))
    assert "at least one image" in refusal_message(([], []))
    assert "got int" in refusal_message(3)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_decode_corrupted_bytes_gives_image_or_one_line_error(
    tmp_path: Path, data: st.DataObject
) -> None:
    whole = tmp_path / "whole"
    suffix = data.draw(st.sampled_from(["png", "jpeg", "gif", "bmp", "webp"]))
    noise = np.random.default_rng(0).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    Image.fromarray(noise).save(whole, format=suffix)
    content = bytearray(whole.read_bytes())
    for _ in range(data.draw(st.integers(0, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "spoiled"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        assert decode_image(path, "spoiled", "gray", (5, 5)).shape == (1, 5, 5)
    except DataError as error:
        message = str(error)
        assert message.startswith("spoiled: ") and "\n" not in message  # noqa: PT018


@pytest.mark.parametrize(
    ("value", "size"), [("28x20", (28, 20)), (28, (28, 28)), ([3, 4], (3, 4)), ("7", (7, 7))]
)
def test_parse_size(value: Any, size: tuple[int, int]) -> None:
    assert parse_size(value) == size
    assert ImageSettings.parse({"size": value}).size == size


@pytest.mark.parametrize(
    "value", ["", "x", "3x", "0x3", "-3", "3x4x5", [1, 2, 3], 5000, True, "3.5"]
)
def test_parse_invalid_size_is_refused(value: Any) -> None:
    with pytest.raises(ConfigError, match="expected height x width"):
        parse_size(value)


def test_digits_sample_by_name_and_as_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUNJANG_CACHE", str(tmp_path))
    pixels, labels = load_digits()
    assert pixels.shape == (1797, 8, 8)
    assert (pixels.min(), pixels.max()) == (0, 255)
    by_name = read_images("digits", GUESS)
    assert np.array_equal(by_name["image"][:, 0], pixels)
    write_image_folder("digits")
    train, test = (
        read_images(write_image_folder("digits", part), GUESS) for part in ("train", "test")
    )
    assert len(train) + len(test) == len(labels)
    files = {image.tobytes() for part in (train, test) for image in part["image"]}
    assert files == {image.tobytes() for image in pixels}
    with pytest.raises(ConfigError, match="it has train, test"):
        write_image_folder("digits", "valid")


def test_images_larger_than_memory_are_refused_before_decoding(monkeypatch: Any) -> None:
    monkeypatch.setattr("munjang.data.images.read.total_memory", lambda: 9_999)
    images = [np.zeros((4, 4), dtype=np.uint8)] * 20
    labels = ["a", "b"] * 10
    assert len(read_images((images, labels), ImageSettings(mode="gray", size=(8, 8)))) == 20
    with pytest.raises(ConfigError, match=r"image.size: out of memory: 20 images of 16x16"):
        read_images((images, labels), ImageSettings(mode="color", size=(16, 16)))
