"""Execute the percent scripts of this folder and keep them as notebooks.

    uv run --extra test python examples/build.py                 # all of them
    uv run --extra test python examples/build.py salary power    # some

What a run leaves of the machine that made it is taken out: paths, times, counters of the kernel. Pictures are kept with
few colours, which makes them a third as large.
"""

import re
import sys
from base64 import b64decode, b64encode
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from PIL import Image

HERE = Path(__file__).parent
WARNED_FROM = re.compile(r"\S*(?:ipykernel_\d+|site-packages)/\S+\.py:\d+: ")
BLAS = re.compile(r"\S*Warning: PyTensor could not link to a BLAS(?:.|\n)*?warnings\.warn\(\n")
SOURCE_LINE = re.compile(r"\n  \S.*\n?\Z")
KERNEL = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}


def notebook(script: Path) -> nbformat.NotebookNode:
    """Read a percent script as a notebook without outputs; the names of its cells are their numbers."""
    made = jupytext.read(script)
    for number, cell in enumerate(made.cells):
        cell["id"] = f"cell-{number}"
        cell["metadata"] = {}
    made["metadata"] = nbformat.from_dict(KERNEL)
    return made


def execute(made: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Run all cells in this folder; the first error stops it.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        A cell failed.
    """
    NotebookClient(
        made, timeout=600, resources={"metadata": {"path": str(HERE)}}, record_timing=False, coalesce_streams=True
    ).execute()
    return made


def clean(made: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Take out what belongs to one machine: places of warnings, PyTensor's BLAS, MathML; make pictures small."""
    for cell in made.cells:
        if "outputs" in cell:
            cell.outputs.sort(key=lambda output: output.get("name") != "stderr")  # which comes first is chance
            said = [output for output in cell.outputs if output.get("name") == "stderr"]
            for output in said:
                output.text = SOURCE_LINE.sub("\n", WARNED_FROM.sub("", BLAS.sub("", output.text)))
            cell.outputs = [output for output in cell.outputs if output not in said or output.text.strip()]
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                output.data["image/png"] = few_colours(output.data["image/png"])
            if "<math" in output.get("data", {}).get("text/html", ""):
                del output.data["text/html"]  # sites that show notebooks take MathML out, and draw LaTeX
    made["metadata"] = nbformat.from_dict(KERNEL)
    return made


def few_colours(png: str, colours: int = 48) -> str:
    """Turn a picture (base64) into one with a palette."""
    kept = BytesIO()
    picture = Image.open(BytesIO(b64decode(png))).convert("RGB")
    picture.quantize(colours, dither=Image.Dither.NONE).save(kept, "png", optimize=True)
    return b64encode(kept.getvalue()).decode() + "\n"


def scripts(names: Sequence[str] = ()) -> list[Path]:
    """Return the scripts of these names, without their ending; all where none is named.

    Raises
    ------
    SystemExit
        There is no script of a name.
    """
    known = {path.stem: path for path in sorted(HERE.glob("*.py")) if path.name != Path(__file__).name}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SystemExit(f"no example `{unknown[0]}`; there are {', '.join(known)}")
    return [known[name] for name in names or known]


def main(names: Sequence[str] = ()) -> None:
    """Build these notebooks, or all."""
    for script in scripts(names):
        nbformat.write(clean(execute(notebook(script))), script.with_suffix(".ipynb"))


if __name__ == "__main__":
    main(sys.argv[1:])
