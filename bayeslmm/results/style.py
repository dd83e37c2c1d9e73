"""One visual language for all pictures: colours that are told apart without colour vision, little ink."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, cast

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb, to_rgba
from matplotlib.font_manager import FontProperties
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from matplotlib.textpath import text_to_path

# Okabe & Ito (2008)
REML = "#0072B2"
BAYES = "#D55E00"
NO_POOLING = "#7F7F7F"
COMPLETE = "#009E73"
PRIOR = "#CC79A7"

MANY_POINTS = 1000
ENOUGH = 4.5  # contrast of small words (WCAG 2.2, 1.4.3)
MIDDLE = 0.18  # luminance: darker papers contrast more with white than with black
GAP = 0.12  # inches between a title and what is beside it
LINE = 0.09  # inches of axes not laid out yet that a line of small letters needs
SAFE = 0.97  # letters as drawn are a little wider than their outlines

MARKS = {"no pooling": NO_POOLING, "complete pooling": COMPLETE, "REML": REML, "Bayes": BAYES}


def paper() -> Any:
    """The colour behind a picture: of the axes, of the figure where axes are transparent, or what the words need."""
    for part in ("axes.facecolor", "figure.facecolor"):
        if to_rgba(mpl.rcParams[part])[3] > 0:
            return mpl.rcParams[part]
    return "black" if _luminance(mpl.rcParams["text.color"]) > MIDDLE else "white"


def dark() -> bool:
    """Whether the caller's matplotlib style has a dark background."""
    return _luminance(paper()) < MIDDLE


def ink() -> Any:
    """The colour of observed data, lines of reference and names: that of the style's words, a little softer."""
    words = mpl.rcParams["text.color"]
    if contrast(words, paper()) < ENOUGH:
        words = "white" if dark() else "black"
    return _mixed(words, paper(), 0.2)


def readable(colour: Any) -> Any:
    """The colour, moved towards that of the ink until words in it can be read on the paper."""
    steps = (_mixed(colour, ink(), share) for share in np.linspace(0, 1, 21))
    return next((c for c in steps if contrast(c, paper()) >= ENOUGH), ink())


def veil(alpha: float) -> float:
    """How opaque a band is: what is light grey on white needs more to be seen on black."""
    return min(1.0, 1.7 * alpha) if dark() else alpha


def series() -> tuple[Any, ...]:
    """Six colours for lines side by side."""
    return (REML, BAYES, COMPLETE, PRIOR, NO_POOLING, ink())


def contrast(one: Any, other: Any) -> float:
    """Ratio of the luminances of two colours, from 1 to 21 (WCAG 2.2, "contrast ratio")."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: Any) -> float:
    """Relative luminance in sRGB, from 0 to 1 (WCAG 2.2)."""
    c = np.array(to_rgb(colour))
    return float(np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ (0.2126, 0.7152, 0.0722))


def _mixed(colour: Any, other: Any, share: float) -> str:
    """A colour with a share of another one in it."""
    red, green, blue = (1 - share) * np.array(to_rgb(colour)) + share * np.array(to_rgb(other))
    return to_hex((red, green, blue))


def new_axes(ax: Axes | None, width: float, height: float) -> Axes:
    """Return the axes given, or new ones of this size in inches."""
    if ax is not None:
        return ax
    return plt.subplots(figsize=(width, height), layout="constrained")[1]


def tidy(ax: Axes, title: str, **labels: Any) -> Axes:
    """Title at the left that says what to see; no frame; light grid."""
    ax.set_title(title, loc="left", fontsize=10)
    ax.set(**labels)
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(color=_mixed(ink(), paper(), 0.7 if dark() else 0.83), linewidth=0.6)
    ax.set_axisbelow(True)
    return ax


def points(ax: Axes, x: np.ndarray, y: np.ndarray, ms: float, color: Any, alpha: float | None = None) -> None:
    """Draw points; many of them smaller and fainter, and as pixels, so that a file does not grow with the data."""
    many = x.size > MANY_POINTS
    if many and alpha is not None:
        ms, alpha = 0.7 * ms, alpha * max(0.2, float(np.sqrt(MANY_POINTS / x.size)))
    ax.plot(x, y, "o", ms=ms, color=color, alpha=alpha, mew=0 if many else None, rasterized=many)


def fold(text: str, inches: float, size: float = 10) -> str:
    """Break a title into lines of even length that fit into a width, by the widths of its letters.

    Lines break at blanks; a word that is wider than a line, after a bracket, comma, colon, slash or underscore.

    Parameters
    ----------
    text
        The title; line ends that it has are kept.
    inches
        Room for a line.
    size
        Of the letters, in points.
    """
    return "\n".join(line for part in text.split("\n") for line in _even_lines(part, 72 * SAFE * inches, size))


def lay_out(figure: Any) -> None:
    """Put panels where they will be drawn, which is much quicker than to draw the figure."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
    for ax in figure.axes:
        ax.apply_aspect()
        ax.get_xlim(), ax.get_ylim()  # limits follow the data when they are asked for


def inches(ax: Axes, height: bool = False) -> float:
    """Width or height of axes as they stand."""
    box, figure = ax.get_window_extent(), ax.get_figure(root=True)
    return float((box.height if height else box.width) / cast(Any, figure).dpi)


def room(ax: Axes, width: float) -> float:
    """Inches for the title of a picture of this width: less in axes that were given and are narrower."""
    return min(0.85 * width, 1.1 * inches(ax))  # the layout will leave them a little more than they have now


def names_fit(ax: Axes, count: int) -> bool:
    """Whether axes are high enough for a name of small letters on each of `count` lines."""
    return inches(ax, height=True) >= LINE * count


def fold_titles(panels: np.ndarray) -> None:
    """Fold the titles of panels to the room that the layout leaves, up to the next panel or the edge.

    The layout keeps the middle of a title free: one much wider than its panel would leave it no room, so that titles
    are folded to the panels as they stand first.
    """
    figure: Any = panels[0].get_figure(root=True)
    titles = {ax: [(t, t.get_text()) for t in _left_titles(ax)] for ax in panels}
    for ax, own in titles.items():
        for title, text in own:
            title.set_text(fold(text, inches(ax), float(title.get_fontsize())))
    lay_out(figure)
    boxes = [ax.get_window_extent() for ax in figure.axes if ax.get_visible()]
    for ax, own in titles.items():
        box = ax.get_window_extent()
        beside = [b.x0 for b in boxes if b.x0 > box.x0 + 1 and b.y0 < box.y1 and box.y0 < b.y1]
        room = (min([*beside, figure.bbox.x1]) - box.x0) / figure.dpi - GAP
        for title, text in own:
            title.set_text(fold(text, room, float(title.get_fontsize())))


def _left_titles(ax: Axes) -> list[Text]:
    return [
        t for t in ax.get_children() if isinstance(t, Text) and t.get_text() and t.get_text() == ax.get_title("left")
    ]


def _even_lines(text: str, points: float, size: float) -> list[str]:
    """As few lines as the width allows, the longest of them as short as may be."""
    lines = found = _lines(text, points, size)
    while 1 < len(found) == len(lines) and points > 72:
        lines, points = found, 0.96 * points
        found = _lines(text, points, size)
    return lines


def _lines(text: str, points: float, size: float) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        if lines and text_points(f"{lines[-1]} {word}", size) <= points:
            lines[-1] += f" {word}"
        else:
            lines += _parts(word, points, size)
    return lines or [""]


def _parts(word: str, points: float, size: float) -> list[str]:
    """A word, in several lines where it is too wide for one and can be broken."""
    lines = [""]
    for part in re.findall(r"[^\[\],:/_]+[\[\],:/_]*|[\[\],:/_]+", word):
        if lines[-1] and text_points(lines[-1] + part, size) > points:
            lines.append("")
        lines[-1] += part
    return lines


@lru_cache(maxsize=4096)
def text_points(text: str, size: float) -> float:
    """Width of a line in points."""
    return float(text_to_path.get_text_width_height_descent(text, FontProperties(size=size), False)[0])


PLACES = ((4, 4), (-4, 4), (4, -4), (-4, -4), (0, 7), (0, -7), (9, 0), (-9, 0), (9, 10), (-9, 10), (9, -10), (-9, -10))


def name_points(ax: Axes, x: np.ndarray, y: np.ndarray, names: Sequence[Any], size: float = 8) -> None:
    """Write names beside points (m,), in order of importance: each where it covers no other name and no other point.

    A name that finds no place is left out. The layout of the figure must be final but for these names.
    """
    figure: Any = ax.get_figure(root=True)
    lay_out(figure)
    renderer = figure.canvas.get_renderer()
    marks = [line.get_xydata() for line in ax.lines if line.get_marker() not in ("None", "", None)]
    at = ax.transData.transform(np.vstack([np.zeros((0, 2)), *marks]).astype(float))
    pad = 2.0 * figure.dpi / 72
    taken = [t.get_window_extent(renderer).extents for t in ax.texts]
    boxes = np.vstack([np.hstack([at - pad, at + pad]), *taken])
    for a, b, name in zip(x, y, names, strict=True):
        for dx, dy in PLACES:
            text = ax.annotate(
                str(name),
                (float(a), float(b)),
                xytext=(dx, dy),
                textcoords="offset points",
                fontsize=size,
                color=ink(),
                ha="left" if dx > 0 else "right" if dx < 0 else "center",
                va="bottom" if dy > 0 else "top" if dy < 0 else "center",
                path_effects=[withStroke(linewidth=2, foreground=paper())],
            )
            box = text.get_window_extent(renderer)
            inside = ax.bbox.x0 <= box.x0 and box.x1 <= ax.bbox.x1 and ax.bbox.y0 <= box.y0 and box.y1 <= ax.bbox.y1
            if inside and not _covers(np.array(box.extents), boxes):
                boxes = np.vstack([boxes, np.array(box.extents)])
                break
            text.remove()


def _covers(box: np.ndarray, boxes: np.ndarray) -> bool:
    """Whether a box (4,), x0 y0 x1 y1, lies over any of others (m, 4); those with NaN are nowhere."""
    x0, y0, x1, y1 = box
    return bool(np.any((boxes[:, 0] < x1) & (x0 < boxes[:, 2]) & (boxes[:, 1] < y1) & (y0 < boxes[:, 3])))
