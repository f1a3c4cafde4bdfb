"""Draws the image of the rooms in design.md from the imports: python -m docs.make_rooms, in the project's folder.

An arrow says "imports". Drawn are only those that do not follow from others: where a room reaches another one by way
of a third, the direct arrow is left out.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

from tests.test_layering import PACKAGE, ROWS, SOURCE, imports_of, source_files

IMAGE = Path(__file__).with_name("images") / "rooms.svg"
ORDER = (
    (
        "_extras",
        "_text",
        "_files",
        "_numbers",
        "_frames",
        "_keywords",
        "_notebook",
        "_processes",
        "errors",
        "geometry",
        "annotations",
        "task",
    ),
    ("_image_info", "_record", "_options_base"),
    ("formats", "drawing", "_imaging"),
    ("dataset", "results"),
    ("evaluation", "_protocol"),
    ("_flow", "migration"),
    ("_telemetry", "_transports", "credentials", "settings"),
    ("_streaming",),
    ("_options", "_clients", "_client", "_async_client"),
    ("local", "testing", "integrations", "batch", "doctor"),
    ("__main__", "cli", "__init__"),
)
"""From left to right, so that few arrows cross."""

WIDTH, BAND, BOX, HEIGHT, LEFT, LETTER = 1040, 104, 30, 34, 200, 8.4
TITLES = (
    "errors, geometry",
    "bases of values",
    "images in and out",
    "results and data",
    "protocol, evaluation",
    "conversation, old results",
    "the outside world",
    "many images",
    "the clients",
    "what is built on them",
    "the doors of the house",
)
STYLE = """
svg { color-scheme: light dark; font-family: ui-sans-serif, system-ui, "Segoe UI", sans-serif; }
.paper { fill: #ffffff; } .band { fill: #f2f5f9; } .title, .row { fill: #5b6675; font-size: 13px; }
.row { font-weight: 600; font-size: 20px; }
.room { fill: #ffffff; stroke: #3b6ea8; stroke-width: 1.4; } .name { fill: #16324f; font-size: 14px; }
.name { font-family: ui-monospace, "DejaVu Sans Mono", Menlo, monospace; text-anchor: middle; }
.arrow { fill: none; stroke: #3b6ea8; stroke-width: 1.3; opacity: 0.75; }
.tip { fill: #3b6ea8; }
@media (prefers-color-scheme: dark) {
  .paper { fill: #171b22; } .band { fill: #1f2630; } .title, .row { fill: #9aa7b8; }
  .room { fill: #263241; stroke: #7fb2ea; } .name { fill: #e3edf8; }
  .arrow { stroke: #7fb2ea; } .tip { fill: #7fb2ea; }
}
"""

ROOMS = [name for names in ORDER for name in names]

Arrow = tuple[str, str]


def arrows_of_the_source() -> set[Arrow]:
    """Every pair of rooms of which the first imports the second."""
    found = set()
    for file in source_files():
        room = file.relative_to(SOURCE).parts[0].removesuffix(".py")
        for imported in imports_of(ast.parse(file.read_text(encoding="utf-8"))):
            parts = [*imported.module.split("."), "__init__"]
            if parts[0] == PACKAGE and parts[1] != room:
                found.add((room, parts[1]))
    return found


def drawn_of(arrows: set[Arrow]) -> set[Arrow]:
    """Those arrows that do not follow from others."""
    below: dict[str, set[str]] = defaultdict(set)
    for room, other in arrows:
        below[room].add(other)

    def reached(room: str) -> set[str]:
        return set().union(*({other} | reached(other) for other in below.get(room, set())))

    return {
        (room, other)
        for room, others in below.items()
        for other in others
        if not any(other in reached(third) for third in others - {other})
    }


def places() -> dict[str, tuple[float, int, float]]:
    """Of each room the left edge, the top and the width of its box."""
    found = {}
    for number, names in enumerate(ORDER):
        widths = [len(name) * LETTER + 28 for name in names]
        space = (WIDTH - LEFT - sum(widths)) / (len(names) + 1)
        left, top = LEFT + space, (len(ORDER) - 1 - number) * BAND + BOX
        for name, width in zip(names, widths, strict=True):
            found[name] = (left, top, width)
            left += width + space
    return found


def path_of(room: str, other: str) -> str:
    """A curve from the bottom of a room to the top of another one; beside each other, below both."""
    at = places()
    (x1, y1, w1), (x2, y2, w2) = at[room], at[other]
    start, end = x1 + w1 / 2, x2 + w2 / 2
    if y2 - y1 > 2 * BAND:  # past the rooms between, at the side
        lane = lane_of(room, other, end)
        curve = (
            f"M{start:.0f},{y1 + HEIGHT} C{start:.0f},{y1 + 70} {lane:.0f},{y1 + 50} {lane:.0f},{y1 + 100} "
            f"L{lane:.0f},{y2 - 60} C{lane:.0f},{y2 - 20} {end:.0f},{y2 - 40} {end:.0f},{y2 - 7}"
        )
    elif y1 < y2:
        middle = (y1 + HEIGHT + y2) / 2
        curve = f"M{start:.0f},{y1 + HEIGHT} C{start:.0f},{middle:.0f} {end:.0f},{middle:.0f} {end:.0f},{y2 - 7}"
    elif y1 == y2:
        side = 1 if end > start else -1
        start, end = start + side * w1 / 4, end - side * w2 / 4
        dip = y1 + HEIGHT + 26
        curve = f"M{start:.0f},{y1 + HEIGHT} C{start:.0f},{dip} {end:.0f},{dip} {end:.0f},{y1 + HEIGHT + 7}"
    else:
        start += w1 / 4
        curve = f"M{start:.0f},{y1} C{start:.0f},{y1 - 40} {end:.0f},{y2 + HEIGHT + 40} {end:.0f},{y2 + HEIGHT + 7}"
    return f'<path class="arrow" data-from="{room}" data-to="{other}" d="{curve}" marker-end="url(#arrow-tip)"/>'


def lane_of(room: str, other: str, end: float) -> float:
    """Where a long arrow goes down: on the side where it ends, each beside the others."""
    offset = 9 * ((ROOMS.index(room) + ROOMS.index(other)) % 5)
    return WIDTH - 22 - offset if end > (LEFT + WIDTH) / 2 else LEFT + 6 + offset


def image() -> str:
    """The image as SVG."""
    arrows = arrows_of_the_source()
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {len(ORDER) * BAND}" role="img">']
    lines += ["<title>The rooms of automl-cv-client, and which imports which</title>", f"<style>{STYLE}</style>"]
    lines.append(
        '<marker id="arrow-tip" viewBox="0 0 8 8" refX="2" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path class="tip" d="M0,0 L8,4 L0,8 z"/></marker>'
    )
    lines.append(f'<rect class="paper" width="{WIDTH}" height="{len(ORDER) * BAND}"/>')
    for number, title in enumerate(TITLES):
        top = (len(ORDER) - 1 - number) * BAND
        lines.append(f'<rect class="band" x="8" y="{top + 8}" width="{WIDTH - 16}" height="{BAND - 26}" rx="10"/>')
        lines.append(f'<text class="row" x="24" y="{top + BOX + 23}">{number}</text>')
        lines.append(f'<text class="title" x="46" y="{top + BOX + 22}">{title}</text>')
    lines += [path_of(*arrow) for arrow in sorted(drawn_of(arrows))]
    for name, (left, edge, width) in places().items():
        box = f'x="{left:.0f}" y="{edge}" width="{width:.0f}" height="{HEIGHT}" rx="7"'
        lines.append(f'<rect class="room" data-room="{name}" {box}/>')
        lines.append(f'<text class="name" x="{left + width / 2:.0f}" y="{edge + 22}">{name}</text>')
    return "\n".join([*lines, "</svg>", ""])


def main() -> None:
    """Write the image."""
    assert [set(names) for names in ORDER] == list(ROWS), "ORDER must hold the rooms of ROWS"
    IMAGE.write_text(image(), encoding="utf-8")


if __name__ == "__main__":
    main()
