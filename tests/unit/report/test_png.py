"""Pictures as PNG: as large as asked for, and refused in one line where resvg is missing."""

import struct
from pathlib import Path

import pytest

from munjang.errors import ConfigError
from munjang.report import png
from munjang.report.formats import Formats
from munjang.report.png import to_png
from tests.unit.report.test_attention import make_attention
from tests.unit.report.test_surprisal import make_surprisal

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="{0}" height="{0}"><rect width="9"/></svg>'


def size_of(picture: bytes) -> tuple[int, int]:
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", picture[16:24])
    return width, height


def test_pixels_are_twice_those_of_the_svg() -> None:
    assert size_of(to_png(SVG.format(30))) == (60, 60)


def test_large_pictures_are_drawn_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(png, "_MOST_PIXELS", 400)
    width, height = size_of(to_png(SVG.format(30)))
    assert width * height <= 441


def test_pictures_without_a_size_are_an_error() -> None:
    with pytest.raises(ValueError, match="width and a height"):
        to_png("<svg></svg>")


def test_attention_and_surprisal_have_letters(tmp_path: Path) -> None:
    for name, result in {"a": make_attention(["a", "b"]), "s": make_surprisal("some text")}.items():
        path = result.save(tmp_path / f"{name}.PNG")
        assert size_of(path.read_bytes())[0] > 100
        assert len(path.read_bytes()) > 2000, "there are no letters"
        assert result.to_svg().startswith("<svg")


def test_without_resvg_one_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(png, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"a\.png: PNG needs .* pip install 'munjang\[png\]'"):
        make_attention(["a"]).save(tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


def test_what_has_no_picture_has_no_png(tmp_path: Path) -> None:
    page = Formats({".html": str})
    with pytest.raises(ConfigError, match=r"ends in one of \.html, \.json"):
        page.write(make_attention(["a"]), tmp_path / "a.png")
