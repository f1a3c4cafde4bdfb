"""A page for people: what the endpoint did so far, and the last images with what was found in them; no I/O.

One file without a build step and without anything from elsewhere; it asks for itself anew every two seconds.
"""

from __future__ import annotations

import base64
import io
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from automl_cv_client.drawing import colors_of
from automl_cv_client.local.images import Reader, read_image

_REMEMBERED = 500  # latencies a deployment
_WIDTH = 320  # of a small image
_LEAST_SCORE = 0.3


@dataclass
class Record:
    """What a deployment did.

    Attributes:
        answers: how many of each status.
        seconds: of the last requests.
        mirrored: requests that were scored without being answered.
    """

    answers: Counter[int] = field(default_factory=Counter)
    seconds: deque[float] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    mirrored: int = 0


@dataclass(frozen=True)
class Seen:
    """An image that was scored: the file, what was found in it, and how its model read the file."""

    title: str
    encoded: bytes
    row: Mapping[str, Any]
    reader: Reader


def page(records: Mapping[str, Record], in_flight: Mapping[str, int], images: Sequence[Seen]) -> bytes:
    """The page as HTML."""
    rows = "".join(_row(name, record, in_flight.get(name, 0)) for name, record in records.items())
    figures = "".join(_figure(seen) for seen in images) or "<p>No image was scored yet.</p>"
    return _PAGE.replace("{rows}", rows).replace("{figures}", figures).encode()


def _row(name: str, record: Record, in_flight: int) -> str:
    seconds = sorted(record.seconds)
    half, most = (_milliseconds(seconds, share) for share in (0.5, 0.95))
    answers = ", ".join(f"{count} × {status}" for status, count in sorted(record.answers.items())) or "none"
    cells = (str(record.answers.total()), answers, str(in_flight), half, most, str(record.mirrored))
    return f'<tr><th scope="row">{escape(name)}</th>' + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"


def _milliseconds(seconds: Sequence[float], share: float) -> str:
    return f"{seconds[min(int(share * len(seconds)), len(seconds) - 1)] * 1000:.0f} ms" if seconds else "–"


def _figure(seen: Seen) -> str:
    image = read_image(seen.encoded, seen.reader)
    if image is None:
        return ""
    image.thumbnail((_WIDTH, _WIDTH))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=80)
    url = f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"
    width, height = image.size
    words = _words(seen.row)
    objects = _objects(seen.row)
    colors = colors_of(found["label"] for found in objects)
    return (
        f'<figure><svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{escape(words)}"><image href="{url}" width="{width}" height="{height}"/>'
        + "".join(_outline(found, width, height, "#" + bytes(colors[found["label"]]).hex()) for found in objects)
        + f"</svg><figcaption><b>{escape(seen.title)}</b> {escape(words)}</figcaption></figure>"
    )


def _objects(row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [found for found in row.get("boxes", ()) if found["score"] >= _LEAST_SCORE]


def _outline(found: Mapping[str, Any], width: int, height: int, color: str) -> str:
    box = found["box"]
    left, top = box["topX"] * width, box["topY"] * height
    across, down = (box["bottomX"] - box["topX"]) * width, (box["bottomY"] - box["topY"]) * height
    paths = "".join(
        "M" + "L".join(f"{x * width:.1f} {y * height:.1f}" for x, y in zip(part[::2], part[1::2], strict=True)) + "Z"
        for part in found.get("polygon", ())
        if part
    )
    shape = (
        f'<path d="{paths}" fill="{color}" fill-opacity=".4" stroke="{color}" fill-rule="evenodd"/>' if paths else ""
    )
    edges = f'x="{left:.1f}" y="{top:.1f}" width="{across:.1f}" height="{down:.1f}"'
    return f'{shape}<rect {edges} stroke="{color}"/>'


def _words(row: Mapping[str, Any]) -> str:
    if "boxes" in row:
        return ", ".join(f"{found['label']} {found['score']:.2f}" for found in _objects(row)) or "nothing found"
    best = sorted(zip(row.get("probs", ()), row.get("labels", ()), strict=False), reverse=True)[:3]
    return ", ".join(f"{label} {score:.2f}" for score, label in best)


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Local endpoint</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #8888; padding: .4rem .8rem; text-align: left; }
.images { display: flex; flex-wrap: wrap; gap: 1rem; }
figure { margin: 0; max-width: 320px; }
svg { max-width: 100%; height: auto; display: block; }
rect { fill: none; stroke-width: 2; filter: drop-shadow(0 0 1px #000); }
</style></head>
<body><main id="all"><h1>Local endpoint</h1>
<h2>Deployments</h2>
<div class="scroll" tabindex="0" role="region" aria-label="Deployments"><table><thead><tr>
<th scope="col">Name</th><th scope="col">Requests</th><th scope="col">Answers</th><th scope="col">In flight</th>
<th scope="col">p50</th><th scope="col">p95</th><th scope="col">Mirrored</th></tr></thead>
<tbody>{rows}</tbody></table></div>
<h2>Last images</h2>
<div class="images">{figures}</div></main>
<script>
setInterval(async () => {
  const reply = await fetch(location.href);
  if (!reply.ok) return;
  const fresh = new DOMParser().parseFromString(await reply.text(), "text/html");
  document.getElementById("all").replaceWith(fresh.getElementById("all"));
}, 2000);
</script></body></html>
"""
