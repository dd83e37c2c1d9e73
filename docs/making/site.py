"""What the site has besides the pages in docs/: equations, notebooks, tables and pictures of the runs; and a last look.

MkDocs calls these functions while it builds (`hooks` in mkdocs.yml).
"""

import re
from html.parser import HTMLParser
from pathlib import Path

from equations import Equations
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from notebooks import page as notebook_page
from notebooks import title
from trust import tables

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples.md"
NOTEBOOKS = [
    ROOT / "examples" / f"{name}.ipynb"
    for name in re.findall(r"\(examples/(\w+)\.md\)", EXAMPLES.read_text(encoding="utf-8"))
]
PICTURES = [ROOT / "benchmarks" / "results" / name for name in ("fit.png", "posterior.png", "sbc.png")]
PLACE = re.compile(r"^<!-- table: (\w+) -->$", re.MULTILINE)
ASKS = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src", "link": "href"}
IN_STYLE = re.compile(r"(?:url\(\s*['\"]?|@import\s+['\"])(?:https?:)?//")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Read equations, and put the notebooks below "Examples", in the order of the page of this name."""
    config.markdown_extensions.append(Equations())
    for entry in config.nav or []:
        if "Examples" in entry:
            entry["Examples"] += [{title(path): f"examples/{path.stem}.md"} for path in NOTEBOOKS]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the notebooks with their pictures, and the pictures of the benchmarks."""
    for path in NOTEBOOKS:
        text, pictures = notebook_page(path)
        files.append(File.generated(config, f"examples/{path.stem}.md", content=text))
        files.append(File.generated(config, f"examples/{path.name}", abs_src_path=str(path)))
        for name, content in pictures.items():
            files.append(File.generated(config, f"examples/{name}", content=content))
    for path in PICTURES:
        files.append(File.generated(config, f"runs/{path.name}", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Fill in the tables of the runs."""
    return PLACE.sub(lambda place: tables()[place[1]], markdown)


def on_post_build(config: MkDocsConfig) -> None:
    """Look at every page and style sheet: nothing may be asked of the network."""
    site = Path(config.site_dir)
    found = [f"{path.relative_to(site)}: {what}" for path in sorted(site.rglob("*.html")) for what in asked(path)]
    found += [str(p.relative_to(site)) for p in sorted(site.rglob("*.css")) if IN_STYLE.search(p.read_text("utf-8"))]
    if found:
        raise PluginError("these would be asked of the network:\n  " + "\n  ".join(found))


class _Resources(HTMLParser):
    """Collects what a page loads from other hosts."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Links to read on are fine; anything that the browser fetches by itself is not."""
        given = dict(attrs)
        address = given.get(ASKS.get(tag, "")) or ""
        if re.match(r"(https?:)?//", address) and given.get("rel") != "canonical":
            self.found.append(address)


def asked(path: Path) -> list[str]:
    """What the page of a built site loads from other hosts."""
    reader = _Resources()
    text = path.read_text(encoding="utf-8")
    reader.feed(text)
    styles = re.findall(r"<style.*?</style>", text, flags=re.DOTALL)
    return reader.found + [style[:80] for style in styles if IN_STYLE.search(style)]
