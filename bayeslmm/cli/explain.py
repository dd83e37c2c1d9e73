"""`bayeslmm explain`: a formula in words and equations; with data, levels, rows and advice."""

from bayeslmm.cli.read import read_data
from bayeslmm.cli.request import Request
from bayeslmm.cli.show import Shown, output_file, show
from bayeslmm.cli.terminal import Terminal
from bayeslmm.explaining.explain import Explanation, explain


def run(request: Request, latex: bool) -> None:
    """Explain, and show it.

    Raises
    ------
    BayeslmmError
        With a sentence for the user.
    """
    output_file(request.out)
    terminal = Terminal.new(silent=request.json)
    with terminal.warnings_as_notes():
        data = read_data(request.data)[0] if request.data else None
        found = explain(
            request.formula, data, weights=request.weights, offset=request.offset, contrasts=request.contrasts
        )
        shown = _shown(request, found, latex)
    show(shown, terminal, request.out, request.json)


def _shown(request: Request, found: Explanation, latex: bool) -> Shown:
    text = found.latex if latex else _text(found)
    about = {
        "command": "explain",
        "formula": request.formula,
        "data": request.data or None,
        "parameters": found.parameters.to_dict(),
        "equations": found.plain,
        "latex": found.latex,
        "groups": found.groups.reset_index().to_dict("records"),
        "relations": found.relations.to_dict("records"),
        "spellings": found.spellings.to_dict("records"),
        "advice": found.advice.table.to_dict("records"),
    }
    return Shown(text, found.table, None, about, in_words=not latex)


def _text(found: Explanation) -> str:
    """The explanation, and the advice in the place where it is only counted."""
    text = str(found)
    if found.advice.ok:
        return text
    count = text.rfind("\n\n")
    return f"{text[:count]}\n\nwhere formula and data do not fit:\n\n{found.advice}"
