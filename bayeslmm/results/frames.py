"""Small pieces of HTML for notebooks, shared by all results."""

from html import escape

STYLE = (
    "margin:0;padding:.4em 0;line-height:1.25;font-size:90%;overflow-x:auto;background:transparent;color:inherit;"
    "font-family:var(--jp-code-font-family,ui-monospace,Menlo,Consolas,monospace);white-space:pre"
)


def preformatted(text: str) -> str:
    """Text output as one block of HTML that keeps its columns and takes the notebook's colours."""
    return f'<pre style="{STYLE}">{escape(text)}</pre>'
