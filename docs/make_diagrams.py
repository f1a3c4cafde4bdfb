"""Draws the five diagrams of the guides: python -m docs.make_diagrams, in the project's folder.

They are narrow, so that a phone shows their text in a readable size, and follow the page's light or dark mode.
"""

from __future__ import annotations

from html import escape
from pathlib import Path

IMAGES = Path(__file__).with_name("images")
WIDTH = 460
STYLE = """
svg { color-scheme: light dark; font-family: ui-sans-serif, system-ui, "Segoe UI", sans-serif; font-size: 14px; }
.paper { fill: #f6f8fb; } .step { fill: #ffffff; stroke: #3b6ea8; stroke-width: 1.4; } .head { font-weight: 600; }
.good { fill: #e3f4e8; stroke: #2f7d4a; stroke-width: 1.4; } .bad { fill: #fdeae4; stroke: #b3541e; stroke-width: 1.4; }
text { fill: #16324f; } .note { fill: #4c5866; font-size: 13px; } .error { fill: #96400f; }
.code, .error { font-family: ui-monospace, "DejaVu Sans Mono", Menlo, monospace; font-size: 13px; }
.line { fill: none; stroke: #3b6ea8; stroke-width: 1.4; } .tip { fill: #3b6ea8; } .dash { stroke-dasharray: 4 4; }
.photo { fill: #cfe0ef; } .cat { fill: #a77a52; } .dim { fill: #16324f; opacity: 0.55; } .frame { fill: none; }
.warm { fill: #f28f3b; opacity: 0.7; } .hot { fill: #fff3b0; }
@media (prefers-color-scheme: dark) {
  .paper { fill: #1d242e; } .step { fill: #263241; stroke: #7fb2ea; } .good { fill: #1f3a2a; stroke: #6cc28a; }
  .bad { fill: #432a1d; stroke: #ff9f68; } text { fill: #e3edf8; } .note { fill: #b4c0cf; } .error { fill: #ffb48a; }
  .line { stroke: #7fb2ea; } .tip { fill: #7fb2ea; } .photo { fill: #41566b; } .dim { fill: #05080c; }
}
"""
LINE = 19


class Diagram:
    """An image of boxes, arrows and texts; sizes are in pixels, and y goes down."""

    def __init__(self, title: str, height: int) -> None:
        self.title, self.height = title, height
        self.parts: list[str] = []

    def text(self, x: float, y: float, *lines: str, kind: str = "", anchor: str = "start") -> None:
        for number, line in enumerate(lines):
            place = f'x="{x:g}" y="{y + number * LINE:g}" text-anchor="{anchor}"'
            self.parts.append(f'<text class="{kind}" {place}>{escape(line, quote=False)}</text>')

    def box(self, x: float, y: float, width: float, head: str, *notes: str, kind: str = "step", code: str = "") -> None:
        """A box with a heading and lines below it: `notes`, then one of `code`."""
        lines = 1 + len(notes) + bool(code)
        self.shape("rect", f"{kind}", f'x="{x}" y="{y}" width="{width}" height="{lines * LINE + 13}" rx="7"')
        self.text(x + 11, y + 21, head, kind="head")
        self.text(x + 11, y + 21 + LINE, *notes, kind="note")
        if code:
            self.text(x + 11, y + 21 + (lines - 1) * LINE, code, kind="code")

    def arrow(self, *points: tuple[float, float], dashed: bool = False) -> None:
        path = "M" + " L".join(f"{x:g},{y:g}" for x, y in points)
        self.shape("path", "line dash" if dashed else "line", f'd="{path}" marker-end="url(#tip)"')

    def shape(self, name: str, kind: str, attributes: str) -> None:
        self.parts.append(f'<{name} class="{kind}" {attributes}/>')

    def svg(self) -> str:
        marker = 'viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"'
        size = f'width="{WIDTH}" height="{self.height}" viewBox="0 0 {WIDTH} {self.height}"'
        lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
            f"<title>{escape(self.title)}</title>",
            f"<style>{STYLE}</style>",
            f'<marker id="tip" {marker}><path class="tip" d="M0,0 L8,4 L0,8 z"/></marker>',
            f'<rect class="paper" width="{WIDTH}" height="{self.height}" rx="10"/>',
            *self.parts,
            "</svg>",
        ]
        return "\n".join(lines) + "\n"


def one_call() -> Diagram:
    """What a call does, and beside each step the errors it can end in."""
    drawn = Diagram("What happens in one call, and which error each step can raise", 558)
    steps = (
        (("Read the image", "a path, bytes, an array, …"), ("ImageError",)),
        (("Check and prepare it", "decode, turn upright, shrink"), ("ImageError", "nothing is sent")),
        (("Get the credential", "a key, or a token of Entra ID"), ("AuthenticationFailed",)),
        (("Send the request", "base64 in JSON, with a request id"), ("TransportError", "DeadlineExceeded")),
        (("Read the status", "200, or an error of the service"), ("Throttled, ModelError", "and other StatusErrors")),
        (("Read the reply", "is every image in it?"), ("UnexpectedReply", "ImageDropped")),
    )
    for number, (step, ends) in enumerate(steps):
        y = 16 + number * 76
        drawn.box(16, y, 236, *step)
        drawn.arrow((134, y + 51), (134, y + 75))
        drawn.arrow((252, y + 25), (276, y + 25), dashed=True)
        for line, end in enumerate(ends):
            kind = "note" if end.startswith(("nothing", "and")) else "error"
            drawn.text(282, y + 30 + (line - (len(ends) - 1) / 2) * LINE, end, kind=kind)
    drawn.arrow((278, 385), (266, 385), (266, 280), (253, 280))  # from the status back to the request
    drawn.text(282, 390, "retried after a pause", kind="note")
    notes = "typed, in pixels of the upright image;", "result.call has attempts, seconds and request ids"
    drawn.box(16, 472, 428, "Result", *notes, kind="good")
    return drawn


def timeout_and_deadline() -> Diagram:
    """One call that succeeds on the third attempt, and one that gives up before its deadline."""
    drawn = Diagram("timeout bounds each attempt, deadline bounds the whole call", 330)
    left, unit = 20, 14  # pixels per second

    def bar(y: float, start: float, end: float, words: str, kind: str) -> None:
        x, width = left + start * unit, (end - start) * unit
        drawn.shape("rect", kind, f'x="{x:g}" y="{y}" width="{width:g}" height="30" rx="4"')
        drawn.text(x + width / 2, y + 20, words, kind="note", anchor="middle")

    drawn.text(left, 30, "client.with_options(timeout=10, deadline=30)", kind="code")
    drawn.text(left, 62, "A call that succeeds", kind="head")
    bar(74, 0, 10, "no answer", "bad")
    bar(74, 11, 14, "429", "bad")
    bar(74, 19, 23, "200", "good")
    drawn.text(left + 16.5 * unit, 94, "pause", kind="note", anchor="middle")
    drawn.arrow((left, 118), (left + 10 * unit, 118))
    drawn.text(left, 136, "timeout: 10 s for", "each attempt", kind="note")
    drawn.text(left + 14 * unit + 4, 136, "Retry-After, or", "a random pause", kind="note")
    drawn.text(left, 190, "A call that ends early", kind="head")
    bar(202, 0, 10, "no answer", "bad")
    bar(202, 11, 20, "503", "bad")
    drawn.text(left + 20 * unit + 6, 221, "the next pause", kind="note")
    drawn.text(left + 20 * unit + 6, 240, "would not fit", kind="note")
    drawn.text(left + 11 * unit, 254, "ServiceUnavailable", kind="error")
    drawn.arrow((left, 284), (left + 30 * unit, 284))
    drawn.text(left, 306, "deadline: 30 s for the whole call, pauses included", kind="note")
    drawn.shape("path", "line dash", f'd="M{left + 30 * unit},70 V296"')
    return drawn


def which_credential() -> Diagram:
    """From the endpoint's authentication type to the client's arguments."""
    drawn = Diagram("Which credential an endpoint needs", 464)
    drawn.box(16, 16, 428, "What is the endpoint's authentication type?", "in the studio: the endpoint's tab Details")
    choices = (
        (94, "key", "and you have it", "", 'Client(uri, "the key")'),
        (184, "key", "and you do not", "its role must allow it", "Client.from_workspace(…)"),
        (274, "aml_token", "a token of the workspace", "fetched and renewed", "Client.from_workspace(…)"),
        (364, "aad_token", "Microsoft Entra ID", "", "Client(uri)"),
    )
    for y, name, condition, how, code in choices:
        drawn.text(40, y + 22, name, kind="code")
        drawn.text(40, y + 41, condition, kind="note")
        drawn.arrow((24, y + 24), (36, y + 24))
        drawn.arrow((198, y + 24), (222, y + 24))
        notes = (how,) if how else ()
        heads = {94: "Pass the key", 184: "Sign in; the client gets it", 274: "Sign in; the client gets it"}
        if y == 364:
            drawn.box(224, y, 220, "Sign in", "on Azure: a managed identity", "on your machine: az login", code=code)
        else:
            drawn.box(224, y, 220, heads[y], *notes, kind="step", code=code)
    drawn.shape("path", "line", 'd="M24,67 V388"')
    return drawn


def image_in_a_batch() -> Diagram:
    """The states of an image in a job on disk."""
    drawn = Diagram("The life of an image in a batch job", 486)
    drawn.box(16, 16, 264, "To do", "the whole source is listed first")
    drawn.arrow((120, 67), (120, 105))
    drawn.box(16, 106, 264, "In flight", "checked, sent, retried")
    drawn.arrow((280, 132), (306, 132), (306, 40), (281, 40), dashed=True)
    drawn.text(314, 62, "429, 503: fewer in", "flight, then again", kind="note")
    drawn.text(314, 108, "kill -9, Ctrl-C: the", "next run sends it", kind="note")
    drawn.arrow((70, 157), (70, 215))
    drawn.arrow((210, 157), (210, 215))
    drawn.text(78, 190, "answered", kind="note")
    drawn.text(218, 190, "its own fault", kind="note")
    drawn.box(16, 216, 118, "ok", "final", kind="good")
    drawn.box(150, 216, 130, "failed", "with its error", kind="bad")
    drawn.arrow((280, 242), (332, 242), (332, 152), (281, 152), dashed=True)
    drawn.text(340, 200, "the next run", "tries it again", kind="note")
    drawn.arrow((215, 267), (215, 315))
    drawn.text(223, 296, "failed in three runs", kind="note")
    drawn.box(150, 316, 130, "given up", "stays failed", kind="bad")
    drawn.arrow((280, 342), (444, 342), (444, 28), (281, 28), dashed=True)
    drawn.text(290, 364, "--retry-failed", kind="code")
    drawn.arrow((75, 267), (75, 415))
    drawn.arrow((215, 367), (215, 415))
    drawn.box(16, 416, 428, "results.jsonl", "one line per image, written when the run ends", kind="good")
    return drawn


def where_the_model_looks() -> Diagram:
    """From an image to the model's view, and back to the image."""
    drawn = Diagram("The model sees the middle of the image; the explanation is laid back over it", 326)
    wide, high, side = 168, 112, 98
    inset = (wide - side) / 2, (high - side) / 2

    def photo(x: float, y: float) -> None:
        drawn.shape("rect", "photo", f'x="{x}" y="{y}" width="{wide}" height="{high}"')
        cat(x + wide / 2, y + high / 2)

    def cat(x: float, y: float) -> None:
        drawn.shape("path", "cat", f'd="M{x - 26:g},{y - 8:g} l4,-26 l14,12 h16 l14,-12 l4,26 z"')
        drawn.shape("ellipse", "cat", f'cx="{x:g}" cy="{y:g}" rx="27" ry="22"')

    def heat(x: float, y: float) -> None:
        drawn.shape("ellipse", "warm", f'cx="{x:g}" cy="{y - 2:g}" rx="24" ry="14"')
        for eye in (-10, 10):
            drawn.shape("circle", "hot", f'cx="{x + eye:g}" cy="{y - 4:g}" r="5"')

    left, right, top, bottom = 16, WIDTH - 16 - wide, 40, 182
    drawn.text(left, 28, "1  your image, upright", kind="head")
    photo(left, top)
    crop = f'x="{left + inset[0]:g}" y="{top + inset[1]:g}" width="{side}" height="{side}"'
    drawn.shape("rect", "line dash", crop)
    drawn.arrow((left + wide + 8, top + high / 2), (right + 30, top + high / 2))
    drawn.text(left + wide + 12, top + high / 2 - 9, "crop, resize", kind="note")
    drawn.text(right, 28, "2  224 × 224: the view", kind="head")
    drawn.shape("rect", "photo", f'x="{right + inset[0]:g}" y="{top + inset[1]:g}" width="{side}" height="{side}"')
    cat(right + wide / 2, top + high / 2)
    drawn.arrow((right + wide / 2, top + high - 2), (right + wide / 2, bottom + inset[1] - 2))
    drawn.text(right + wide / 2 + 8, bottom - 10, "explain", kind="note")
    square = f'x="{right + inset[0]:g}" y="{bottom + inset[1]:g}" width="{side}" height="{side}"'
    drawn.shape("rect", "dim", square)
    heat(right + wide / 2, bottom + high / 2)
    drawn.text(right + wide / 2, bottom + high + 14, "3  attributions", kind="head", anchor="middle")
    drawn.arrow((right + 30, bottom + high / 2), (left + wide + 8, bottom + high / 2))
    drawn.text(left + wide + 12, bottom + high / 2 - 9, "lay over", kind="note")
    photo(left, bottom)
    for x in (left, left + wide - inset[0]):
        drawn.shape("rect", "dim", f'x="{x:g}" y="{bottom}" width="{inset[0]:g}" height="{high}"')
    heat(left + wide / 2, bottom + high / 2)
    drawn.text(left, bottom - 10, "4  overlay", kind="head")
    drawn.text(left, bottom + high + 20, "dimmed: outside the view", kind="note")
    return drawn


DIAGRAMS = (one_call, timeout_and_deadline, which_credential, image_in_a_batch, where_the_model_looks)


def path_of(name: str) -> Path:
    """The file of a diagram, named as its function, with hyphens."""
    return IMAGES / f"{name.replace('_', '-')}.svg"


if __name__ == "__main__":
    for diagram in DIAGRAMS:
        path_of(diagram.__name__).write_text(diagram().svg(), encoding="utf-8")
        print(path_of(diagram.__name__))
