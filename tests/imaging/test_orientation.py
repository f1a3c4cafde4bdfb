"""Images leave upright and without a tag: models obey it or not, and the reply does not say which answered."""

from __future__ import annotations

import io

import numpy
import pytest
from PIL import Image, JpegImagePlugin

from automl_cv_client._imaging import open_upright, prepare
from automl_cv_client._imaging.header_reader import read_header
from automl_cv_client.geometry import Size
from tests.imaging.images import ORIENTATIONS, POLICY, decoded, difference, encoded, exif, scene, sent, stored

XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="%d"/></x:xmpmeta>'
LOSSLESS = {"PNG": {}, "TIFF": {}, "WEBP": {"lossless": True}}


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("format", LOSSLESS)
def test_lossless_formats_are_turned_exactly(format, orientation):
    data = stored(orientation, format, **LOSSLESS[format])
    prepared, image = sent(data)
    assert difference(image, scene()) == 0
    assert prepared.info.orientation == orientation
    assert prepared.info.size == Size(48, 32)
    assert prepared.info.raw_size == (Size(32, 48) if orientation >= 5 else Size(48, 32))
    if orientation == 1:
        assert prepared.data == data
    else:
        assert prepared.info.changes == (f"turned upright (EXIF orientation {orientation})",)
        assert image.getexif() == {}


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_jpegs_are_turned_with_little_loss(orientation, subsampling):
    data = stored(orientation, "JPEG", quality=90, subsampling=subsampling)
    prepared, image = sent(data)
    assert difference(image, scene()) < 3
    assert prepared.info.orientation == orientation
    assert prepared.info.media_type == "image/jpeg"
    assert image.getexif() == {} or orientation == 1
    assert difference(open_upright(data, POLICY), scene()) < 3


@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_turned_jpeg_keeps_its_tables_and_its_weight(orientation):
    photo = scene((320, 240))
    data = encoded(photo, "JPEG", quality=83, subsampling="4:2:0", exif=exif(orientation))
    prepared, image = sent(data)
    assert isinstance(image, JpegImagePlugin.JpegImageFile)
    assert JpegImagePlugin.get_sampling(image) == 2
    before = decoded(data).quantization  # type: ignore[attr-defined]
    turned = [numpy.reshape(image.quantization[i], (8, 8)) for i in (0, 1)]
    for i in (0, 1):
        table = numpy.reshape(before[i], (8, 8))
        assert (turned[i] == (table.T if orientation >= 5 else table)).all()
    assert abs(len(prepared.data) - len(data)) < 0.1 * len(data)
    expected = open_upright(data, POLICY)
    assert difference(image, expected) < 0.7  # the second encoding, alone


def test_sideways_422_is_written_in_full():
    _, image = sent(stored(6, "JPEG", subsampling="4:2:2"))
    assert JpegImagePlugin.get_sampling(image) == 0


def test_grey_jpegs_are_turned():
    data = encoded(scene().convert("L"), "JPEG", exif=exif(3))
    prepared, image = sent(data)
    assert image.mode == "L"
    assert difference(image, scene().convert("L").transpose(Image.Transpose.ROTATE_180)) < 3
    assert prepared.info.media_type == "image/jpeg"


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("options", [{"format": "JPEG"}, {"format": "WEBP", "lossless": True}], ids=str)
def test_an_orientation_in_xmp_alone_is_honoured(orientation, options):
    data = encoded(scene(), xmp=XMP % orientation, **options)
    assert read_header(data) is None
    prepared, _ = sent(data)
    assert prepared.info.orientation == orientation
    assert (prepared.data == data) == (orientation == 1)


def test_exif_comes_before_xmp():
    data = encoded(scene(), "WEBP", lossless=True, exif=exif(1), xmp=XMP % 6)
    assert prepare(data, POLICY).data == data


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_an_opened_pil_image_comes_out_upright(format, orientation):
    options = {"lossless": True} if format == "WEBP" else {"quality": 95} if format == "JPEG" else {}
    data = stored(orientation, format, **options)
    with Image.open(io.BytesIO(data)) as lazy:
        prepared, image = sent(lazy)
        assert difference(image, scene()) < 3
        assert prepared.info.orientation == orientation
    loaded = decoded(data)
    before = loaded.size, dict(loaded.getexif()), loaded.tobytes()
    assert difference(sent(loaded)[1], scene()) < 3
    assert difference(open_upright(loaded, POLICY), scene()) < 3
    assert (loaded.size, dict(loaded.getexif()), loaded.tobytes()) == before


@pytest.mark.parametrize("value", [0, 9, 77])
def test_an_orientation_that_means_nothing_is_upright(value):
    data = encoded(scene(), "JPEG", exif=exif(value))
    prepared = prepare(data, POLICY)
    assert prepared.data == data
    assert prepared.info.orientation == 1


def test_big_endian_exif():
    notes = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    data = encoded(scene(), "JPEG", exif=notes)
    header = read_header(data)
    assert header is not None
    assert header.orientation == 6
    assert prepare(data, POLICY).info.size == (32, 48)


@pytest.mark.parametrize(
    "notes",
    [b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0rubbish here", b"Exif\0\0II*\0\x08\0\0\0\xff\xff"],
)
@pytest.mark.filterwarnings("ignore:.*EXIF", "ignore:Truncated File Read")
def test_unreadable_exif_does_not_spoil_the_image(notes):
    data = encoded(scene(), "JPEG", exif=notes)
    assert difference(sent(data)[1], scene()) < 5


def test_metadata_do_not_travel_with_a_rewritten_image():
    notes = exif(6)
    notes.get_ifd(0x8825)[2] = (48.0, 12.0, 1.0)
    for format in ("JPEG", "PNG", "TIFF", "WEBP"):
        extra = {"comment": b"secret place"} if format == "JPEG" else {}
        data = encoded(scene(), format, exif=notes, xmp=XMP % 6, icc_profile=b"a profile " * 20, **extra)
        rewritten = prepare(data, POLICY).data
        for trace in (b"A camera maker", b"secret place", b"xmpmeta", b"a profile"):
            assert trace not in rewritten
        assert not {"exif", "xmp", "icc_profile", "comment"} & set(decoded(rewritten).info)
