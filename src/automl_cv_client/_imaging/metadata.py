"""Takes EXIF, GPS, XMP, comments and thumbnails out of JPEG and PNG files without touching the pixels.

Only for files whose header :func:`read_header` accepted: their structure is known to be sound.
"""

from __future__ import annotations

import re

from automl_cv_client._imaging.png_header import chunks, is_critical

_SOS, _EOI, _APP0, _APP2, _APP14, _COM = 0xDA, 0xD9, 0xE0, 0xE2, 0xEE, 0xFE
_MARKER_IN_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_KEPT_PNG_CHUNKS = frozenset([b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"pHYs", b"cICP"])
"""Ancillary chunks that say how the pixels are meant, not where they come from (PNG 11.3)."""


def without_metadata(data: bytes) -> bytes:
    """The same image without its notes; the same object when it has none.

    Kept is what decoders need: JFIF, Adobe's colour transform and colour profiles. What follows the end of the
    image goes too: phones put a second image there, with notes of its own.
    """
    kept = _jpeg(data) if data[:2] == b"\xff\xd8" else _png(data)
    return data if kept == data else kept


def _jpeg(data: bytes) -> bytes:
    pieces, position = [data[:2]], 2
    while True:
        marker = data[position + 1]
        if marker == _EOI:
            return b"".join([*pieces, data[position : position + 2]])
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4])
        if marker == _SOS:
            found = _MARKER_IN_SCAN.search(data, end)
            assert found is not None, "an image whose end was found before"
            end = found.start()
        if not _is_note(marker, data[position + 4 : position + 20]):
            pieces.append(data[position:end])
        position = end


def _is_note(marker: int, start: bytes) -> bool:
    if marker == _APP0:
        return not start.startswith(b"JFIF\0")
    if marker == _APP2:
        return not start.startswith(b"ICC_PROFILE\0")
    if marker == _APP14:
        return not start.startswith(b"Adobe")
    return marker == _COM or 0xE0 <= marker <= 0xEF


def _png(data: bytes) -> bytes:
    pieces = [data[:8]]
    for kind, start, end, _ in chunks(data):
        if is_critical(kind) or kind in _KEPT_PNG_CHUNKS:
            pieces.append(data[start - 8 : end + 4])
    return b"".join(pieces)
