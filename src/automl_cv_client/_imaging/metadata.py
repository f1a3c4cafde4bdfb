"""Takes EXIF, GPS, XMP, comments and thumbnails out of JPEG and PNG files without touching the pixels."""

from __future__ import annotations

from automl_cv_client._imaging.jpeg_header import BrokenJpeg, segments
from automl_cv_client._imaging.png_header import PNG_SIGNATURE, chunks, is_critical

_APP0, _APP2, _APP14, _COM = 0xE0, 0xE2, 0xEE, 0xFE
_KEPT_PNG_CHUNKS = frozenset([b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"pHYs", b"cICP"])
"""Ancillary chunks that say how the pixels are meant, not where they come from (PNG 11.3)."""


def without_metadata(data: bytes) -> bytes:
    """The same image without its notes; the same object when it has none.

    Kept is what decoders need: JFIF, Adobe's color transform and color profiles. What follows the end of the
    image goes too: phones put a second image there, with notes of its own.

    Args:
        data: a file whose header :func:`read_header` accepted.

    Raises:
        ValueError: the pixels of a JPEG break off. A header does not tell, and a decoder paints the rest grey.
    """
    kept = _jpeg(data) if data[:2] == b"\xff\xd8" else _png(data)
    return data if kept == data else kept


def _jpeg(data: bytes) -> bytes:
    pieces = [data[:2]]
    try:
        for marker, start, end in segments(data):
            if not _is_note(marker, data[start + 4 : start + 20]):
                pieces.append(data[start:end])
    except BrokenJpeg:
        raise ValueError("its pixels break off") from None
    return b"".join(pieces)


def _is_note(marker: int, start: bytes) -> bool:
    if marker == _APP0:
        return not start.startswith(b"JFIF\0")
    if marker == _APP2:
        return not start.startswith(b"ICC_PROFILE\0")
    if marker == _APP14:
        return not start.startswith(b"Adobe")
    return marker == _COM or 0xE0 <= marker <= 0xEF


def _png(data: bytes) -> bytes:
    pieces = [PNG_SIGNATURE]
    for kind, start, end, _ in chunks(data):
        if is_critical(kind) or kind in _KEPT_PNG_CHUNKS:
            pieces.append(data[start - 8 : end + 4])
    return b"".join(pieces)
