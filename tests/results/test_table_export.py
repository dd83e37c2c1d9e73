"""Tables for papers, of everything that has one."""

import re
import sys

import numpy as np
import pandas as pd
import pytest

import bayeslmm as blm
from bayeslmm.errors import NotAvailableError
from bayeslmm.results.table_export import to_great_tables, to_latex, to_markdown
from tests.results.posterior_draws import case

EVIL = pd.DataFrame({"a_b": ["x|y & 5%", "two\nlines"], "p": [0.2, 1e-9]}, index=pd.Index(["r1", "r2"], name="#"))


def test_markdown():
    assert to_markdown(EVIL, "A *title*").splitlines() == [
        r"A \*title\*",
        "",
        r"| \# | a\_b | *p* |",
        "| :-- | :-- | --: |",
        r"| r1 | x\|y & 5% | .200 |",
        r"| r2 | two lines | \< .001 |",
    ]


def test_latex():
    text = to_latex(EVIL, "50%", "tab:one")
    assert r"\caption{50\%}" in text
    assert r"\label{tab:one}" in text
    assert r"\begin{tabular}{llr}" in text
    assert r"r1 & x\textbar{}y \& 5\% & .200 \\" in text
    assert r"r2 & two lines & \textless{} .001 \\" in text
    assert r"\caption" not in to_latex(EVIL)
    assert text.count(r"\begin") == text.count(r"\end") == 2


def test_great_tables():
    html = to_great_tables(EVIL, "Title").as_raw_html()
    assert "Title" in html
    assert "x|y &amp; 5%" in html


def test_great_tables_are_asked_for_where_they_are_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "great_tables", None)
    with pytest.raises(NotAvailableError, match=r"pip install 'bayeslmm\[tables\]'"):
        to_great_tables(EVIL)


@pytest.fixture(scope="module")
def fits():
    data = blm.datasets.load("sleepstudy")
    return [blm.lmer(f"Reaction ~ Days + ({bar} | Subject)", data) for bar in ("Days", "1")]


RESULTS = {
    "summary": lambda fits: fits[0].summary(),
    "anova": lambda fits: fits[0].anova(),
    "models": lambda fits: fits[0].anova(fits[1]),
    "ranova": lambda fits: fits[1].ranova(),
    "contrast": lambda fits: fits[0].contrast("Days"),
    "means": lambda fits: fits[0].means(),
    "posterior": lambda fits: case("y ~ x + (1 | g)").post.summary(),
    "posterior means": lambda fits: case("y ~ x + (1 | g)").post.means(),
}


@pytest.mark.parametrize("name", RESULTS)
def test_every_table_is_written_whole(fits, name):
    found = RESULTS[name](fits)
    table = found.fixed if hasattr(found, "fixed") else found.table
    lines = found.to_markdown().splitlines()
    assert len(lines) == len(table) + 2
    assert len({line.replace(r"\|", "").count("|") for line in lines}) == 1
    assert found.to_latex("c").count(r" \\") == len(table) + 1
    assert found.to_great_tables().as_raw_html().count("<tr") == len(table) + 1


def test_a_coefficient_is_as_r_has_it(fits):
    assert "| Days | 10.47 | 1.55 | 17.00 | 6.77 | \\< .001 |" in fits[0].summary().to_markdown()


def test_sentences_are_paragraphs_and_long_tables_go_over_pages():
    words = pd.DataFrame(
        {"seen": ["so many words that no line of a page would hold all of them"], "x": [1.5]}, index=["a"]
    )
    assert re.search(r"\\begin\{tabular\}\{lp\{0\.\d\d\\linewidth\}r\}", to_latex(words))
    long = to_latex(pd.DataFrame({"x": np.arange(60)}, index=[f"r{i}" for i in range(60)]), "Title", "tab:l")
    assert r"\caption{Title}\label{tab:l} \\" in long
    assert long.count(r"\begin") == long.count(r"\end{") == 1
    assert long.count(r" \\") == 62


def test_signs_beyond_ascii_are_commands():
    text = to_latex(
        pd.DataFrame({"\N{GREEK SMALL LETTER LAMDA}": [-1.5, np.nan]}, index=["3 \N{MULTIPLICATION SIGN} 4", "b"])
    )
    assert r"3 $\times$ 4 & $-$1.50 \\" in text
    assert r"b & -- \\" in text
    assert r" & $\lambda$ \\" in text
