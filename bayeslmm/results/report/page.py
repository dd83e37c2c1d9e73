"""A report as one HTML page. Everything that comes from data or users is escaped; the browser may load nothing."""

import re
from collections.abc import Sequence
from html import escape
from importlib.resources import files

import numpy as np

from bayeslmm.results.report.blocks import Block, Code, CopyText, Paragraph, Picture, Report, Section, Table
from bayeslmm.results.report.drawing import picture_sources
from bayeslmm.results.table_cells import cells_of

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
NEGATIVE = re.compile(r"(?<![\w)\]-])-(?=\.?\d)")
SENTENCE = 30
LETTER, BOLD, SIDES = 0.63, 0.7, 0.95  # widths of a letter and of what is blank in a cell, in heights of a letter
SENTENCES = 11.0, 21.0  # between which widths sentences are broken
BUTTON = '<button type="button" class="copy" hidden>Copy</button>'


def page(report: Report) -> str:
    """Return the whole page."""
    anchors = [f"s{i}-{_slug(s.title)}" for i, s in enumerate(report.sections, 1)]
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>{escape(report.title)}</title>",
        f"<style>\n{_file('page.css')}</style>",
        "</head>",
        "<body>",
        "<main>",
        f"<h1>{_words(report.title)}</h1>",
        _verdict(report.verdict),
        _contents(report.sections, anchors),
        *(_section(s, a) for s, a in zip(report.sections, anchors, strict=True)),
        "</main>",
        f"<script>\n{_file('page.js')}</script>",
        "</body>",
        "</html>",
        "",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _verdict(sentences: Sequence[str]) -> str:
    if not sentences:
        return ""
    inside = "".join(f"<p>{_prose(s)}</p>" for s in sentences)
    return f'<div class="verdict" role="region" aria-label="Verdict">{inside}</div>'


def _contents(sections: Sequence[Section], anchors: Sequence[str]) -> str:
    if not sections:
        return ""
    items = "".join(f'<li><a href="#{a}">{escape(s.title)}</a></li>' for s, a in zip(sections, anchors, strict=True))
    return f'<nav aria-label="Contents"><ol>{items}</ol></nav>'


def _section(section: Section, anchor: str) -> str:
    blocks = "\n".join(_block(b) for b in section.blocks)
    return f'<section aria-labelledby="{anchor}">\n<h2 id="{anchor}">{escape(section.title)}</h2>\n{blocks}\n</section>'


def _block(block: Block) -> str:
    match block:
        case Paragraph(text):
            return "\n".join(f"<p>{_prose(part.strip())}</p>" for part in re.split(r"\n\s*\n", text) if part.strip())
        case CopyText(text):
            return f'<div class="take">{BUTTON}<blockquote>{_words(text)}</blockquote></div>'
        case Code(text):
            columns = max(map(len, text.splitlines()), default=0) or 1
            pre = f'<pre style="--columns: {columns}" tabindex="0"><code>{escape(text)}</code></pre>'
            return f'<div class="take code">{BUTTON}{pre}</div>'
        case Table():
            return _table(block)
        case Picture():
            return _picture(block)


def _prose(text: str) -> str:
    """A paragraph, with signs that are not broken off their numbers; formulas stay as they are typed."""
    return _words(text if "~" in text else NEGATIVE.sub("\N{MINUS SIGN}", text))


def _words(text: str) -> str:
    """Text whose long names may be broken after an underscore, before they are broken anywhere."""
    return escape(text).replace("_", "_<wbr>")


def _table(table: Table) -> str:
    cells = cells_of(table.frame)
    kinds = [_kind(numeric, [row[j] for row in cells.rows]) for j, numeric in enumerate(cells.numeric)]
    widths = [
        _width(name, [r[j] for r in cells.rows], k) for j, (name, k) in enumerate(zip(cells.header, kinds, strict=True))
    ]
    head = "".join(_head(*column) for column in zip(cells.header, kinds, widths, strict=True))
    rows = []
    for texts, values in zip(cells.rows, cells.values, strict=True):
        inside = "".join(
            f'<td class="{kind}"{_key(value) if kind == "number" else ""}>{_words(text)}</td>'
            for text, value, kind in zip(texts, values, kinds, strict=True)
        )
        rows.append(f"<tr>{inside}</tr>")
    caption = f'<p class="caption">{_words(table.caption)}</p>\n' if table.caption else ""
    label = escape(table.caption or "Table")
    return (
        f'{caption}<div class="table" role="region" tabindex="0" aria-label="{label}" '
        f'style="--em: {sum(widths) or 1:.1f}">'
        f"<table><thead><tr>{head}</tr></thead>\n<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _kind(numeric: bool, texts: Sequence[str]) -> str:
    """How a column is set: numbers, words, or sentences, which need some width."""
    if numeric:
        return "number"
    return "sentence" if max(map(len, texts), default=0) > SENTENCE else "word"


def _width(name: str, texts: Sequence[str], kind: str) -> float:
    """About how wide a column must be, in heights of its letters, so that the page can choose their size.

    Numbers are not broken; words and names of columns break at blanks, hyphens and underscores, sentences anywhere.
    """
    parts = texts if kind == "number" else [part for text in texts for part in re.split(r"(?<=[-_])|\s", text)]
    head = BOLD * max(map(len, re.findall(r"[^_\s]+_*|_+", name)), default=1)
    inside = LETTER * max(map(len, parts), default=0)
    return SIDES + max(head, min(max(inside, SENTENCES[0]), SENTENCES[1]) if kind == "sentence" else inside)


def _head(name: str, kind: str, width: float) -> str:
    style = f' style="min-width: {width:.1f}em"' if kind == "sentence" else ""
    text = _words(name) or "&nbsp;"
    return f'<th scope="col" class="{kind}"{style}><button type="button">{text}</button></th>'


def _key(value: object) -> str:
    """The number by which a cell is sorted; none where it is missing."""
    number = float("nan") if value is None else float(value)  # type: ignore[arg-type]
    return "" if np.isnan(number) else f' data-key="{number!r}"'


def _picture(picture: Picture) -> str:
    wide, narrow = picture_sources(picture.draw)
    source = f'<source media="(max-width: 600px)" srcset="{narrow}">' if narrow else ""
    caption = f"<figcaption>{escape(picture.caption)}</figcaption>" if picture.caption else ""
    drawn = ' class="drawn"' if narrow else ""
    image = f'<img{drawn} src="{wide}" alt="{escape(picture.alt)}">'
    return f"<figure><picture>{source}{image}</picture>{caption}</figure>"


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "section"


def _file(name: str) -> str:
    return (files("bayeslmm.results.report") / name).read_text(encoding="utf-8")
