"""The report: one file, escaped, whole or not there; and what a real browser makes of it."""

import re
from html.parser import HTMLParser

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from bayeslmm.errors import ArgumentError
from bayeslmm.results import style
from bayeslmm.results.report import Code, CopyText, Paragraph, Picture, Report, Section, Table
from bayeslmm.results.table_cells import MISSING
from tests.browser import DESK, PHONE, assert_stands_alone_and_fits, browser, needs_browser, show

EVIL = "<script>alert('&\"')</script>"


def line(width):
    ax = plt.subplots(figsize=(width, 2))[1]
    ax.plot([1, 3, 2])
    return ax


def table(columns: int = 3):
    rng = np.random.default_rng(0)
    wide = pd.DataFrame(rng.normal(size=(4, columns)), columns=[f"column {j}" for j in range(columns)])
    wide["p"] = [0.3, np.nan, 1e-9, 0.02]
    return wide.set_axis(["b", "a", EVIL, "c"])


def report(*blocks):
    sections = (Section("Words", (Paragraph("One.\n\nTwo."), CopyText("Copy"), Code("y" * 400))), Section(EVIL, blocks))
    return Report(EVIL, ("It is so.", EVIL), sections)


def test_everything_is_escaped():
    picture = Picture(line, EVIL, EVIL)
    page = report(Paragraph(EVIL), CopyText(EVIL), Code(EVIL), Table(table(), EVIL), picture).html()
    assert "alert(" in page
    assert "<script>alert" not in page
    assert 'alt="&lt;script&gt;alert(&#x27;&amp;&quot;&#x27;)&lt;/script&gt;"' in page


def test_long_names_may_be_broken_after_underscores_but_not_in_code():
    name = "weeks_since_start"
    frame = pd.DataFrame({"term": [name], "n": [1]})
    blocks = (Paragraph(name), CopyText(name), Table(frame, name), Code(name))
    html = Report(name, (name,), (Section("Part", blocks),)).html()
    broken = name.replace("_", "_<wbr>")
    for element in ("<h1>", "<p>", "<blockquote>", '<p class="caption">', '<td class="word">'):
        assert element + broken in html
    assert f"<code>{name}<" in html


def test_the_page_is_well_formed_with_verdict_first():
    class Balanced(HTMLParser):
        def __init__(self):
            super().__init__()
            self.open, self.seen = [], []

        def handle_starttag(self, tag, attrs):
            if tag not in ("meta", "img", "source"):
                self.open.append(tag)
            self.seen.append((tag, dict(attrs).get("class")))

        def handle_endtag(self, tag):
            assert self.open.pop() == tag

    parser = Balanced()
    parser.feed(report(Table(table()), Picture(line, "a line")).html())
    assert parser.open == []
    order = [parser.seen.index(x) for x in (("h1", None), ("div", "verdict"), ("nav", None), ("section", None))]
    assert order == sorted(order)


def test_a_picture_is_drawn_for_paper_and_for_phones_and_closed_again():
    before, widths = plt.get_fignums(), []
    page = report(Picture(lambda width: widths.append(width) or line(width), "a line")).html()
    assert widths == [7.0, 3.5]
    assert page.count("data:image/svg+xml;base64,") == 2
    assert plt.get_fignums() == before


def test_a_picture_that_was_drawn_already_stays_open():
    ax = line(5)
    page = report(Picture(ax, "a line")).html()
    assert page.count("data:image/svg+xml;base64,") == 1
    assert ax.figure.number in plt.get_fignums()
    plt.close(ax.figure)


def test_a_picture_of_many_points_is_a_png():
    def many(width):
        ax = plt.subplots(figsize=(width, 2))[1]
        ax.scatter(*np.random.default_rng(0).normal(size=(2, 8000)))
        return ax

    assert "data:image/png;base64," in report(Picture(many, "points")).html()


def test_many_points_of_ours_are_pixels_in_a_picture_whose_letters_are_not():
    def size(count):
        def many(width):
            ax = plt.subplots(figsize=(width, 2))[1]
            style.points(ax, *np.random.default_rng(0).normal(size=(2, count)), ms=3, color="k", alpha=0.5)
            return ax

        page = report(Picture(many, "points")).html()
        assert "data:image/png" not in page
        return len(page)

    assert size(100_000) < 2 * size(20_000)


def test_a_picture_does_not_take_the_callers_style():
    plain = report(Picture(line, "a line")).html()
    with plt.style.context("dark_background"):
        dark = report(Picture(line, "a line")).html()
        assert plt.rcParams["figure.facecolor"] == "black"
    assert re.findall(r"base64,[\w+/=]+", plain) == re.findall(r"base64,[\w+/=]+", dark)


def test_a_report_replaces_the_file_that_was_there(tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old")
    assert report().write(str(path)) == path
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("report.pdf", "its name ends in .html"),
        ("nowhere/report.html", "cannot be written: there is no folder"),
        ("folder.html", "cannot be written: Is a directory. Nothing is lost"),
    ],
)
def test_a_path_that_cannot_be_written_is_a_sentence(tmp_path, name, sentence):
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(ArgumentError, match=re.escape(sentence)):
        report().write(tmp_path / name)
    assert [p.name for p in tmp_path.iterdir()] == ["folder.html"]


def test_a_picture_needs_words():
    with pytest.raises(ArgumentError, match="say in words what the picture shows"):
        Picture(line, " ")


@pytest.fixture(scope="module")
def chromium():
    with browser() as driver:
        yield driver


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    long = "averyveryverylongwordwithoutanyplacetobreakitinto" * 4
    blocks = (Table(table(12), "A wide table"), Picture(line, "a line"), Paragraph(long))
    return report(*blocks).write(tmp_path_factory.mktemp("page") / "report.html")


@needs_browser
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_in_a_browser_nothing_overflows_and_nothing_is_asked_of_the_network(chromium, page, width):
    assert_stands_alone_and_fits(chromium, page, width)
    wide, narrow = 7 * 72, 3.5 * 72
    drawn = chromium.execute_script("return document.images[0].naturalWidth")
    assert drawn == pytest.approx(96 / 72 * (narrow if width == PHONE else wide), abs=1)


A4 = 658  # 210 mm without two margins of 18 mm, in CSS pixels


@needs_browser
def test_in_a_browser_tables_have_the_room_of_the_page_and_text_lines_that_can_be_read(chromium, tmp_path):
    names = pd.DataFrame({"a_rather_long_name": ["yes"], "words": ["a sentence that goes on for a while, " * 3]})
    wide = pd.concat([table(12).reset_index(drop=True), names], axis=1)
    path = report(Table(wide), Paragraph("word " * 200), Code("x" * 88)).write(tmp_path / "wide.html")
    scrolled = (
        """return [...document.querySelectorAll(".table, pre")].slice(-2).map((e) => e.scrollWidth - e.clientWidth)"""
    )
    show(chromium, path, DESK)
    assert chromium.execute_script(scrolled) == [0, 0]
    paragraph = chromium.find_elements(By.CSS_SELECTOR, "p")[-1]
    assert 60 < 1000 / (paragraph.size["height"] / 24) < 90  # letters a line
    assert chromium.find_element(By.CSS_SELECTOR, "table").size["width"] > paragraph.size["width"]
    show(chromium, path, PHONE)
    assert min(chromium.execute_script(scrolled)) > 0
    show(chromium, path, A4)
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert chromium.execute_script(scrolled) == [0, 0]
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


@needs_browser
def test_in_a_browser_the_checks_can_fail(chromium, tmp_path):
    bad = tmp_path / "bad.html"
    bad.write_text('<meta name="viewport" content="width=device-width, initial-scale=1"><p style="width:900px">a</p>')
    with pytest.raises(AssertionError):
        assert_stands_alone_and_fits(chromium, bad, PHONE)
    bad.write_text('<img src="http://127.0.0.1:9/a.png" alt="a">')
    with pytest.raises(AssertionError):
        assert_stands_alone_and_fits(chromium, bad, DESK)


@needs_browser
def test_in_a_browser_tables_sort_numbers_by_value_and_words_by_letter(chromium, page):
    show(chromium, page, DESK)

    def column(i):
        cells = chromium.find_elements(By.CSS_SELECTOR, f"tbody td:nth-child({i})")
        return [c.get_attribute("textContent") for c in cells]

    first = column(1)
    p = chromium.find_elements(By.CSS_SELECTOR, "th button")[-1]
    p.click()
    assert column(14) == ["< .001", ".020", ".300", MISSING]
    assert chromium.find_elements(By.CSS_SELECTOR, "th[aria-sort=ascending]")[0].text.startswith("p")
    p.click()
    assert column(14) == [".300", ".020", "< .001", MISSING]
    p.click()
    assert column(1) == first
    chromium.find_elements(By.CSS_SELECTOR, "th button")[0].click()
    assert column(1)[-3:] == ["a", "b", "c"]


@needs_browser
def test_in_a_browser_the_contents_lead_to_their_sections(chromium, page):
    show(chromium, page, PHONE)
    chromium.find_elements(By.CSS_SELECTOR, "nav a")[1].click()
    top = "return document.querySelectorAll('h2')[1].getBoundingClientRect().top"
    height = chromium.execute_script("return innerHeight")
    assert 0 <= chromium.execute_script(top) < height
    assert chromium.current_url.endswith("#s2-script-alert-script")


@needs_browser
def test_in_a_browser_text_is_copied_or_selected(chromium, page):
    show(chromium, page, DESK)
    button = chromium.find_elements(By.CSS_SELECTOR, "button.copy")[0]
    assert button.text == "Copy"
    button.click()
    WebDriverWait(chromium, 5).until(lambda _: button.text in ("Copied", "Press Ctrl+C"))
