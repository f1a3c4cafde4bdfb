"""Results made by hand, and texts that try to escape."""

from __future__ import annotations

from automl_cv_client import CallInfo, Classification, Detection, Detections, ImageInfo, Instance, Instances
from automl_cv_client.geometry import Box, Size
from automl_cv_client.results import MultilabelClassification

SIZE = Size(200, 100)

HOSTILE = [
    "=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(1)", "\t=1", "\r=1", "\n=1", " =1", "|calc", "%0A", "＝1+1", "\ufeff=1",
    "<script>alert(1)</script>", "</td></table><img src=x onerror=alert(1)>", "\"><svg onload=alert(1)>",
    "' onclick='x",
    "&lt;b&gt;", "javascript:alert(1)", "<!--", "-->", "]]>", "<![CDATA[", "<?xml version='1.0'?>", "&xxe;",
    "../../etc/passwd", "..\\..\\windows", "/etc/shadow", "C:\\autoexec.bat", "CON", "nul.txt", "a/b", ".hidden", "..",
    ".",
    "~root", "a\0b", "\x1b[31mred", "\x1b]8;;http://x\x07", "\u202egnp.exe", "\ud800", "\x7f", "\x85", "\u2028line",
    "a,b", 'say "hi"', "two\nlines", "semi;colon", "", " ", "x" * 5000, "猫", "🐈", "naïve café", "a\tb", "{{7*7}}",
    "${x}",
]  # fmt: skip
"""Formulas, markup, paths, control characters and odd but honest labels."""


def info(source: str | None = None, size: Size = SIZE, orientation: int = 1) -> ImageInfo:
    raw = Size(size.height, size.width) if orientation >= 5 else size
    return ImageInfo(
        size=size, raw_size=raw, sent_size=size, source=source, orientation=orientation, media_type="image/png"
    )


def detections(*labels: str, source: str | None = "photos/street.png") -> Detections:
    """One box a label, each a little further down. Not validated, as pydantic refuses lone surrogates."""
    image, found = info(source), []
    for i, label in enumerate(labels):
        top = 0.01 * (i % 80)
        values = {"label": label, "score": 0.9 - i / 200, "box": Box(0.1, top, 0.35, top + 0.2), "extra": None}
        found.append(Detection._trusted(values, {"_image": image}))
    return Detections._trusted({"image": image, "call": CallInfo(), "extra": {}, "objects": tuple(found)})


def instances(source: str | None = "photos/street.png", label: str = "ring") -> Instances:
    """A square with a hole, a triangle, and one whose outline encloses nothing."""
    ring = ((0.1, 0.2, 0.6, 0.2, 0.6, 0.9, 0.1, 0.9, 0.1, 0.2), (0.2, 0.4, 0.4, 0.4, 0.4, 0.7, 0.2, 0.7))
    line = ((0.7, 0.1, 0.8, 0.2, 0.9, 0.3),)
    triangle = ((0.7, 0.5, 0.9, 0.5, 0.8, 0.95), *line)
    found = (
        Instance(label=label, score=0.9, box=Box(0.1, 0.2, 0.6, 0.9), polygons=ring),
        Instance(label="triangle", score=0.8, box=Box(0.7, 0.5, 0.9, 0.95), polygons=triangle),
        Instance(label="line", score=0.4, box=Box(0.7, 0.1, 0.9, 0.3), polygons=line),
    )
    return Instances(image=info(source), objects=found)


def classification(*labels: str, source: str | None = None) -> Classification:
    probs = tuple(0.5 / (i + 1) for i in range(len(labels)))
    return Classification(image=info(source), labels=labels, probs=probs)


def multilabel(*labels: str) -> MultilabelClassification:
    return MultilabelClassification(image=info(), labels=labels, probs=(0.9,) * len(labels))
