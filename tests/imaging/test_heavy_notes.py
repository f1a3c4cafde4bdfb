"""A PNG with texts or a profile of more than 1 MiB unpacked, which the server refuses, is sent without them."""

from __future__ import annotations

import zlib
from contextlib import suppress

import pytest

from automl_cv_client._imaging import ImagePolicy, open_upright, prepare
from automl_cv_client._imaging.metadata import without_metadata
from automl_cv_client.errors import ImageError
from tests.imaging.images import POLICY, difference, encoded, exif, png_chunk, scene, sent

pytestmark = pytest.mark.bar(29)

PACKED = zlib.compress(bytes((1 << 20) + 1), 9)
HEAVY = {
    "zTXt": b"Comment\0\0" + PACKED,
    "iTXt": b"workflow\0\1\0\0\0" + PACKED,
    "iCCP": b"profile\0\0" + PACKED,
}


def with_chunk(kind: str, body: bytes) -> bytes:
    whole = encoded(scene())
    return whole[:33] + png_chunk(kind.encode(), body) + whole[33:]


@pytest.mark.parametrize("kind", HEAVY)
@pytest.mark.parametrize("policy", [POLICY, ImagePolicy(strip_metadata=True), ImagePolicy(most_bytes=3000)], ids=str)
def test_sent_without_it(kind, policy):
    prepared, result = sent(with_chunk(kind, HEAVY[kind]), policy)
    assert "metadata removed" in prepared.info.changes
    assert difference(result, scene()) < 8
    assert open_upright(with_chunk(kind, HEAVY[kind]), policy).size == scene().size


def test_other_notes_stay():
    data = with_chunk("tEXt", b"Title\0cat")
    heavy = data[:33] + png_chunk(b"zTXt", HEAVY["zTXt"]) + data[33:]
    assert prepare(heavy, POLICY).data == data


def test_a_text_of_one_mebibyte_is_no_matter():
    data = with_chunk("zTXt", b"Comment\0\0" + zlib.compress(bytes(1 << 20), 9))
    assert prepare(data, POLICY).data == data


def test_many_texts_that_are_too_much_together():
    whole = encoded(scene())
    texts = png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(1 << 20), 9)) * 70
    assert prepare(whole[:33] + texts + whole[33:], POLICY).data == whole


DAMAGED = bytearray(encoded(scene((200, 200)), "JPEG", exif=exif(1)))
DAMAGED[DAMAGED.rindex(b"\xff\xda") + 40 : DAMAGED.rindex(b"\xff\xda") + 42] = b"\xff\x05"


@pytest.mark.parametrize("policy", [ImagePolicy(strip_metadata=True), ImagePolicy(most_bytes=1000)], ids=str)
def test_a_jpeg_damaged_in_its_pixels_is_an_image_error(policy):
    with pytest.raises(ImageError, match="damaged"):
        prepare(bytes(DAMAGED), policy)


def test_every_damage_of_a_jpeg_is_one_of_our_errors():
    whole = encoded(scene((64, 64)), "JPEG", exif=exif(1))
    for policy in (ImagePolicy(strip_metadata=True), ImagePolicy(most_bytes=500), ImagePolicy(longest_side=20)):
        for where in range(2, len(whole), 3):
            for pair in (b"\xff\x05", b"\xff\xe1", b"\xff\xda"):
                data = whole[:where] + pair + whole[where + 2 :]
                with suppress(ImageError):
                    prepare(data, policy)


def test_notes_behind_fill_bytes_are_taken_out():
    data = encoded(scene(), "JPEG", comment=b"canary")
    note = data.index(b"\xff\xfe")
    assert b"canary" not in without_metadata(data[:note] + b"\xff\xff" + data[note:])
