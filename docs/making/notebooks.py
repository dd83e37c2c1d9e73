"""A notebook as a page: its text, its code, and what the code printed and drew when the notebook was built."""

import base64
import json
import re
from html import escape
from pathlib import Path
from typing import Any

HEADING = re.compile(r"^# (.+)$", re.MULTILINE)
STYLE = re.compile(r"<style.*?</style>", re.DOTALL)
INLINE_STYLE = re.compile(r"<(pre|table|tr|td|th|div)\b[^>]*>")


def title(path: Path) -> str:
    """The first heading of a notebook."""
    for cell in _cells(path):
        if cell["cell_type"] == "markdown" and (found := HEADING.search(_text(cell["source"]))):
            return found[1]
    raise ValueError(f"{path.name} has no heading that could be the title of its page")


def page(path: Path) -> tuple[str, dict[str, bytes]]:
    """Markdown of the page, and its pictures by file name."""
    parts, pictures = [], {}
    for cell in _cells(path):
        source = _text(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
        elif cell["cell_type"] == "code":
            parts.append(f"```python\n{source}\n```")
            for output in cell["outputs"]:
                picture = output.get("data", {}).get("image/png")
                if picture:
                    name = f"{path.stem}-{len(pictures) + 1}.png"
                    pictures[name] = base64.b64decode(_text(picture))
                    parts.append(f"![What the code above draws]({name})")
                else:
                    parts.append(_printed(output))
    link = f"[Download this page as a notebook]({path.name}){{ .notebook }}"
    first, *rest = parts
    return "\n\n".join([first, link, *rest]) + "\n", pictures


def _printed(output: dict[str, Any]) -> str:
    """A table as HTML without its own styles; anything else as text."""
    data = output.get("data", {})
    html = _text(data.get("text/html", ""))
    if "<table" in html:
        table = INLINE_STYLE.sub(_bare, STYLE.sub("", html))
        lines = [line.strip() for line in table.splitlines() if line.strip()]
        return '<div class="output">' + "".join(lines) + "</div>"
    text = _text(output.get("text", "") or data.get("text/plain", ""))
    return f'<pre class="output">{escape(text.rstrip(), quote=False)}</pre>'


def _bare(tag: re.Match[str]) -> str:
    """A tag without attributes but those that lay out a table."""
    kept = re.findall(r"\b(?:colspan|rowspan)=\"\d+\"", tag[0])
    return " ".join([f"<{tag[1]}", *kept]) + ">"


def _cells(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def _text(value: str | list[str]) -> str:
    return value if isinstance(value, str) else "".join(value)
