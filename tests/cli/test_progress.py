"""The bar of work that lasts: on a terminal, after a while, and nowhere else; the library says how far it is."""

from __future__ import annotations

import io
import sys
import time

import pytest

from automl_cv_client import Detection, Detections, ImageInfo, Size
from automl_cv_client.cli.progress import bar_for
from automl_cv_client.dataset import check, read_jsonl
from automl_cv_client.evaluation import compare, evaluate
from automl_cv_client.geometry import Box
from tests.cli.test_terminal import on_a_terminal

BOX = '{"label": "c%d", "topX": 0.1, "topY": 0.1, "bottomX": 0.5, "bottomY": 0.5}'
ROW = f'{{"image_url": "azureml://x/%d.jpg", "label": [{BOX}]}}'


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def a_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Standard error; to be called in the test itself, as pytest sets its own before."""
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    return screen


def wait_for(screen: Terminal, words: str) -> None:
    until = time.monotonic() + 20
    while words not in screen.getvalue() and time.monotonic() < until:
        time.sleep(0.02)


def test_it_says_what_lasts_and_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = a_terminal(monkeypatch)
    with bar_for("measuring", after=0.01) as bar:
        bar.share(0.25)
        wait_for(terminal, "25%")
    assert "measuring" in terminal.getvalue()
    assert "25%" in terminal.getvalue()


def test_rows_are_counted_as_they_go_by(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = a_terminal(monkeypatch)
    with bar_for("checking", after=0.01) as bar:
        assert list(bar.counted(range(1200))) == [*range(1200)]
        wait_for(terminal, "1,200 rows")
    assert "1,200 rows" in terminal.getvalue()


def test_what_is_soon_over_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = a_terminal(monkeypatch)
    with bar_for("measuring") as bar:
        bar.share(1.0)
    assert terminal.getvalue() == ""


@pytest.mark.parametrize("kind", ["pipe", "dumb"])
def test_elsewhere_there_is_none(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = a_terminal(monkeypatch)
    if kind == "dumb":
        monkeypatch.setenv("TERM", "dumb")
    else:
        monkeypatch.setattr(sys, "stderr", io.StringIO())
    with bar_for("measuring", after=0.0) as bar:
        bar.share(0.5)
        bar.count(100)
        time.sleep(0.05)
    assert "measuring" not in terminal.getvalue()


def test_the_library_tells_how_far_it_is() -> None:
    rows = list(read_jsonl(ROW % (number, number % 5) for number in range(20)))
    image = ImageInfo(size=Size(100, 100), raw_size=Size(100, 100), sent_size=Size(100, 100))
    box = Box(0.1, 0.1, 0.5, 0.5)
    results = {
        row.image_url: Detections(image=image, objects=(Detection(label=f"c{number % 5}", score=0.9, box=box),))
        for number, row in enumerate(rows)
    }
    shares: list[float] = []
    evaluate(results, rows, progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    compared: list[float] = []
    compare(labels=rows, predictions=(results, results), draws=20, progress=compared.append)
    assert compared == sorted(compared)
    assert compared[-1] == 1.0
    assert len(compared) >= 12  # after each class of both
    seen: list[int] = []
    check((ROW % (number, 0) for number in range(5)), progress=seen.append)
    assert seen == [1, 2, 3, 4, 5]


@pytest.mark.slow
def test_a_long_check_has_a_bar_on_a_real_terminal(tmp_path) -> None:
    file = tmp_path / "train.jsonl"
    file.write_text("\n".join(ROW % (number, 0) for number in range(40_000)), encoding="utf-8")
    seen = on_a_terminal("dataset", "check", file, columns=120)
    assert "checking" in seen.text
    assert " rows" in seen.text
