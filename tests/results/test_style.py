"""Colours that follow the caller's matplotlib style."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
from matplotlib.colors import to_rgb

from bayeslmm.results import style

HUES = [style.REML, style.BAYES, style.NO_POOLING, style.COMPLETE, style.PRIOR]


def test_contrast_is_that_of_the_wcag():
    # published examples: black on white 21:1, #777777 on white 4.48:1, #0000FF on white 8.59:1
    assert style.contrast("black", "white") == pytest.approx(21)
    assert style.contrast("#777777", "white") == pytest.approx(4.48, abs=0.005)
    assert style.contrast("white", "#0000FF") == pytest.approx(8.59, abs=0.005)
    assert style.contrast("red", "red") == 1


@pytest.mark.parametrize("look", ["default", *plt.style.available])
def test_ink_and_coloured_words_can_be_read_in_every_style(look):
    with plt.style.context(look):
        assert style.contrast(style.ink(), style.paper()) > 3
        for colour in HUES:
            assert style.contrast(style.readable(colour), style.paper()) >= min(
                4.5, style.contrast(style.ink(), style.paper())
            )


def test_what_can_be_read_keeps_its_colour():
    with plt.style.context("default"):
        assert to_rgb(style.readable(style.REML)) == to_rgb(style.REML)
        assert to_rgb(style.ink()) == to_rgb("#333333")


def test_words_follow_the_style():
    with mpl.rc_context({"text.color": "#FFFF00", "axes.facecolor": "black"}):
        red, green, blue = to_rgb(style.ink())
        assert red == green > 0.7
        assert blue == 0
    with mpl.rc_context({"text.color": "black", "axes.facecolor": "black"}):
        assert to_rgb(style.ink())[0] > 0.7


@pytest.mark.parametrize(("words", "behind"), [("white", "black"), ("black", "white")])
def test_a_transparent_figure_lies_on_what_its_words_need(words, behind):
    with mpl.rc_context({"text.color": words, "axes.facecolor": "none", "figure.facecolor": "none"}):
        assert style.paper() == behind
        assert style.dark() == (behind == "black")
    with mpl.rc_context({"axes.facecolor": "none", "figure.facecolor": "#101010"}):
        assert style.paper() == "#101010"


def test_bands_are_denser_on_dark():
    with plt.style.context("default"):
        assert style.veil(0.25) == 0.25
    with plt.style.context("dark_background"):
        assert style.veil(0.25) > 0.3
        assert style.veil(0.9) == 1
