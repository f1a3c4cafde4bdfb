"""Colours are the same in every process; text is safe to draw and fits."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from automl_cv_client.drawing import color_of
from automl_cv_client.drawing.lettering import LONGEST_LABEL, clean, fitted, font_for, score_in_words, width_of
from automl_cv_client.drawing.palette import PALETTE, ink_on


def test_colors_do_not_depend_on_the_process():
    code = "from automl_cv_client.drawing import color_of; print(color_of('cat'), color_of('\\udc80'))"
    for seed in ("1", "2"):
        out = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        assert out.stdout.strip() == f"{color_of('cat')} {color_of(chr(0xDC80))}"


def test_labels_use_the_whole_palette():
    assert {color_of(f"label {i}") for i in range(500)} == set(PALETTE)
    assert len(set(PALETTE)) == len(PALETTE)


@pytest.mark.parametrize("color", PALETTE)
def test_ink_is_readable_on_every_color(color):
    def luminance(rgb: tuple[int, int, int]) -> float:
        red, green, blue = ((value / 255) ** 2.2 for value in rgb)
        return float(0.2126 * red + 0.7152 * green + 0.0722 * blue)

    light, dark = sorted((luminance(color), luminance(ink_on(color))), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cat", "cat"),
        (" two  words\n", "two words"),
        ("\x1b[31mred\x00", "[31mred"),
        ("a‮b", "a b"),
        ("\udc80x", "x"),
        ("Ünïcödé 猫", "Ünïcödé 猫"),
        ("x" * 99, "x" * (LONGEST_LABEL - 1) + "…"),
    ],
)
def test_clean(text, expected):
    assert clean(text) == expected


def test_fitted():
    font = font_for("cat", 20)
    assert fitted("cat", font, 1000) == "cat"
    assert fitted("cat", font, 0) == ""
    short = fitted("a rather long label", font, 80)
    assert short.endswith("…")
    assert width_of(short, font) <= 80


@pytest.mark.parametrize(("score", "text"), [(0.974, "97%"), (1.0, "100%"), (0.0, "0%"), (float("inf"), "")])
def test_scores(score, text):
    assert score_in_words(score) == text


def test_drawing_does_not_load_pillow_until_it_draws():
    code = "import sys, automl_cv_client.drawing; print('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
