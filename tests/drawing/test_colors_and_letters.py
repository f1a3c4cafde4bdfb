"""Colors are the same in every process; text is safe to draw and fits."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from automl_cv_client.drawing import color_of, colors_of, lettering
from automl_cv_client.drawing.lettering import LONGEST_LABEL, clean, line_of, score_in_words
from automl_cv_client.drawing.palette import APART, PALETTE, distance, ink_on
from automl_cv_client.errors import InvalidInput


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


def text_of(line: lettering.Line) -> str:
    return "".join(text for text, _ in line.runs)


def test_fitted():
    assert text_of(line_of("cat", 20, 1000)) == "cat"
    assert text_of(line_of("cat", 20, 0)) == ""
    short = line_of("a rather long label", 20, 80)
    assert text_of(short).endswith("…")
    assert short.width <= 80


@pytest.mark.parametrize(
    ("score", "text"), [(0.974, "97%"), (1.0, "100%"), (0.0, "0%"), (0.004, "<1%"), (float("inf"), "")]
)
def test_scores(score, text):
    assert score_in_words(score) == text


def test_drawing_does_not_load_pillow_until_it_draws():
    code = "import sys, automl_cv_client.drawing; print('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


BLINDNESS: dict[str, Any] = {
    "none": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
"""Machado, Oliveira and Fernandes, 2009, severity 1, on linear red, green and blue."""


def seen(colors: Any, blindness: str) -> Any:
    """Colors in OKLab, as people without one of the cones see them."""
    shares = np.asarray(colors) / 255
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ np.transpose(BLINDNESS[blindness]), 0, 1)
    cones = np.cbrt(
        linear @ np.transpose([[0.41222, 0.53633, 0.05145], [0.21190, 0.68070, 0.10740], [0.08830, 0.28172, 0.62998]])
    )
    return cones @ np.transpose(
        [[0.21045, 0.79362, -0.00407], [1.97800, -2.42859, 0.45059], [0.02590, 0.78277, -0.80868]]
    )


def test_no_two_classes_look_alike_in_a_thousand_sets_of_labels():
    """At least 0.13 apart, and 0.085 for those without one of the three cones; white and black are 1 apart."""
    random = Random(4)
    tables = {}
    for blindness, least in (("none", APART), ("protan", 0.085), ("deutan", 0.085), ("tritan", 0.085)):
        lab = seen(PALETTE, blindness)
        table = np.linalg.norm(lab[:, None] - lab[None], axis=-1) + 9 * np.eye(len(PALETTE))
        assert table.min() >= least
        tables[blindness] = (table, least)
    for _ in range(1000):
        labels = [f"class {random.randrange(10**6)}" for _ in range(random.randint(2, 20))]
        colors = colors_of(labels)
        places = [PALETTE.index(color) for color in colors.values()]
        for table, least in tables.values():
            assert table[np.ix_(places, places)].min() >= least
        assert len(set(colors.values())) == len(set(labels))


def test_a_class_keeps_its_color_unless_another_one_has_it():
    random = Random(5)
    kept = 0
    for _ in range(200):
        labels = [f"class {random.randrange(10**6)}" for _ in range(5)]
        colors = colors_of(labels)
        assert colors == colors_of(reversed(labels)), "the order does not matter"
        kept += sum(colors[label] == color_of(label) for label in labels)
    assert kept > 800
    assert all(colors_of([label]) == {label: color_of(label)} for label in ("cat", "dog", "\udc80"))
    assert len(colors_of(map(str, range(50)))) == 50


def test_chosen_colors_are_kept_and_kept_away_from():
    colors = colors_of(["cat", "dog", *map(str, range(12))], {"cat": "#f00", "dog": (250, 10, 10), "absent": "blue"})
    assert (colors["cat"], colors["dog"]) == ((255, 0, 0), (250, 10, 10))
    others = [color for label, color in colors.items() if label not in ("cat", "dog", "absent")]
    assert min(distance(color, (255, 0, 0)) for color in others) >= APART
    for wrong in ("reddish", (1, 2), (1, 2, 300), ("a", "b", "c")):
        with pytest.raises(InvalidInput, match="unknown color"):
            colors_of(["cat"], {"cat": wrong})  # type: ignore[dict-item]


@pytest.mark.parametrize("text", ["кошка 97%", "قطة 97%", "חתול 97%", "बिल्ली 97%", "แมวน้ำ 97%", "ß→ü 97%"])
def test_letters_of_other_scripts_are_drawn_where_a_font_has_them(text):
    """The fonts of this machine decide: where none has a letter, a warning says what to install."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        line = lettering._line.__wrapped__(text, 20, "")
    assert text_of(line) == text
    assert line.width > 20
    if not caught and all(letter.isascii() or not letter.isalpha() for letter in text):
        assert len(line.runs) == 1


def test_one_warning_says_which_package_has_the_letters(monkeypatch):
    monkeypatch.setattr(lettering, "_named", lambda name, size: None)
    monkeypatch.setattr(lettering, "_warned", set())
    lettering._line.cache_clear()
    for first, again, package in (
        ("猫", "犬한", "fonts-noto-cjk"),
        ("แมว", "बि", "fonts-noto-core"),
        ("🐈", "🐕", "fonts-symbola"),
    ):
        with pytest.warns(UserWarning, match=rf"no font here has the letter '{first[0]}'.*{package}.*AUTOML_CV_FONT"):
            line_of(first, 20)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert line_of(again, 20).width > 0
    lettering._line.cache_clear()


def test_a_font_can_be_named(monkeypatch, tmp_path):
    import matplotlib

    file = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSerif.ttf"
    plain, chosen = line_of("cat", 20), line_of("cat", 20, font=str(file))
    assert (plain.width, chosen.width) == (line_of("cat", 20).width, line_of("cat", 20, font=str(file)).width)
    assert plain.width != chosen.width
    monkeypatch.setenv("AUTOML_CV_FONT", str(file))
    assert line_of("cat", 20).width == chosen.width
    with pytest.raises(InvalidInput, match=r"cannot read the font .*nowhere\.ttf"):
        line_of("cat", 20, font=str(tmp_path / "nowhere.ttf"))
