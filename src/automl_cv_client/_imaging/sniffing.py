"""Says what a file that is no image seems to be, so that its owner recognises the mistake."""

from __future__ import annotations

import re

_HEIC = "a HEIC or HEIF photo; convert it to JPEG, or in Python call pillow-heif's register_heif_opener()"
_BRANDS = {b"heic": _HEIC, b"heix": _HEIC, b"hevc": _HEIC, b"mif1": _HEIC, b"msf1": _HEIC}
_SIGNATURES = (
    (b"%PDF", "a PDF document"),
    (b"%!PS", "PostScript, which is not read"),
    (b"PK\x03\x04", "a ZIP archive or an Office document"),
    (b"\x1f\x8b", "gzip data; decompress it first"),
    (b"\x93NUMPY", "a numpy array file; in Python, read it with numpy.load and pass the array"),
    (b"\x1aE\xdf\xa3", "a video (Matroska or WebM)"),
    (b"version https://git-lfs", "a Git LFS pointer: the image itself was not downloaded (git lfs pull)"),
)
_BASE64 = re.compile(rb"[A-Za-z0-9+/=_\s-]{64,}\Z")
_TEXT = re.compile(rb"[\t\n\f\r\x20-\x7e\x80-\xff]*\Z")
_JSON = re.compile(rb'\[\s*[\[{"\d\]-]|\{\s*["}]')
_SECTION = re.compile(rb"\[\[?[\w.: \"'-]+\]\]?[ \t]*(#.*)?[\r\n]")
_LOOKED_AT = 1024


def looks_like(data: bytes) -> str:
    """What the data seem to be, in a few words; never a part of them."""
    head = data[:_LOOKED_AT].removeprefix(b"\xef\xbb\xbf").lstrip()
    if not data.strip(b"\0"):
        return "nothing but zero bytes"
    for signature, name in _SIGNATURES:
        if data.startswith(signature):
            return name
    if data[4:8] == b"ftyp":
        return _BRANDS.get(data[8:12], "a video (MP4 or MOV)")
    if not _TEXT.match(head):
        return "an unknown format"
    return _kind_of_text(head)


def _kind_of_text(head: bytes) -> str:
    lower = head.lower()
    if lower.startswith(b"data:"):
        return "a data URI; in Python, pass it as str"
    if b"<svg" in lower:
        return "an SVG drawing; render it to PNG first"
    if lower.startswith((b"<!doctype html", b"<html")) or b"<body" in lower:
        return "an HTML page, perhaps an error page that was saved instead of the image"
    if lower.startswith(b"<?xml"):
        return "XML text"
    if _SECTION.match(head):
        return "a configuration file (TOML or INI)"
    if _JSON.match(head):
        return "JSON text"
    if _BASE64.match(head):
        return "base64 text; decode it first, in Python by base64.b64decode(text)"
    return "text"
