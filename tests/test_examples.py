"""The notebooks are their scripts, executed; the README's output is what the demo prints."""

import ast
import importlib.util
import re
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner

from bayeslmm.cli import app

HOME = Path(__file__).parents[1]
SCRIPTS = sorted(p for p in (HOME / "examples").glob("*.py") if p.name != "build.py")


def build():
    spec = importlib.util.spec_from_file_location("build", HOME / "examples" / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(params=SCRIPTS, ids=lambda p: p.stem)
def script(request):
    return request.param


def kept(script):
    return nbformat.read(script.with_suffix(".ipynb"), as_version=4)


def test_the_notebook_is_the_script_with_outputs(script):
    cells = [(c.cell_type, c.source) for c in build().notebook(script).cells]
    assert [(c.cell_type, c.source) for c in kept(script).cells] == cells
    assert all(c.outputs or " = " in c.source for c in kept(script).cells if c.cell_type == "code")


def test_all_or_some_notebooks_are_built():
    made = build()
    assert made.scripts() == SCRIPTS
    assert [path.stem for path in made.scripts(["salary", "power"])] == ["salary", "power"]
    with pytest.raises(SystemExit, match=r"no example `salry`; there are crossed_nested, .*salary"):
        made.scripts(["salary", "salry"])


def test_the_notebook_is_small_and_of_no_machine(script):
    path = script.with_suffix(".ipynb")
    text = path.read_text()
    assert path.stat().st_size < 400_000
    assert re.findall(r"/(?:home|root|tmp|Users|work|opt|usr)/\S*|[A-Z]:\\\\\S*", text) == []
    assert "traceback" not in text
    assert set(kept(script).metadata) == {"kernelspec"}


@pytest.mark.slow
@pytest.mark.sampling
@pytest.mark.filterwarnings("default")  # Jupyter's own
def test_the_script_runs_and_says_what_the_notebook_says(script):
    ran = build().clean(build().execute(build().notebook(script)))
    drawn = of_draws([c.source for c in ran.cells if c.cell_type == "code"])
    for new, old in zip(ran.cells, kept(script).cells, strict=True):
        kinds = [[o.output_type for o in c.get("outputs", [])] for c in (new, old)]
        assert kinds[0] == kinds[1]
        if new.source not in drawn:
            assert [words(text) for text in printed(new)] == [words(text) for text in printed(old)]
            assert all(agree(a, b) for a, b in zip(numbers(new), numbers(old), strict=True)), new.source


def of_draws(sources):
    """Cells that sample, or use what such a cell made: their last digits belong to a machine."""
    found, names = set(), {"sample", "brm", "reanalyse", "alternatives"}
    for source in sources:
        nodes = list(ast.walk(ast.parse(source)))
        used = {n.id if isinstance(n, ast.Name) else n.attr for n in nodes if isinstance(n, ast.Name | ast.Attribute)}
        if used & names:
            found.add(source)
            names |= {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)} - {"axes", "ax"}
    return found


def test_what_comes_from_draws_is_known():
    cells = [
        "fit = lmer(f)",
        "post = fit.sample()",
        "axes = fit.plot()",
        "a, b = c(fit, post), 1",
        "print(a)",
        "print(fit)",
    ]
    assert of_draws(cells) == {cells[1], cells[3], cells[4]}


def printed(cell):
    """Text of a cell's outputs; without pictures, rich forms, versions, and how many steps an optimiser took."""
    texts = [o.text if o.output_type == "stream" else o.data["text/plain"] for o in cell.get("outputs", [])]
    return [re.sub(r"\d+ evaluations|\d+\.\d+\.\d+", "n", text) for text in texts]


NUMBER = re.compile(r"-?\d+\.\d+(?:e[-+]\d+)?")


def words(text):
    return " ".join(NUMBER.sub("#", text).split())


def numbers(cell):
    return [number for text in printed(cell) for number in NUMBER.findall(text)]


def agree(one, other):
    """Two printed numbers differ by one unit of the last digit at most: 97.625 is a tie, which the last bit decides."""
    return abs(float(one) - float(other)) <= 1.001 * max(last_digit(one), last_digit(other))


def last_digit(number):
    digits, _, exponent = number.partition("e")
    return 10.0 ** (int(exponent or 0) - len(digits.partition(".")[2]))


def test_printed_numbers_agree_to_the_last_digit():
    assert agree("97.62", "97.63")
    assert agree("-1.04e-07", "-1.05e-07")
    assert not agree("97.62", "97.64")
    assert not agree("1.05e-07", "1.05e-08")
    assert words("a  1.5 b") == words("a 22.5   b") != words("a b")


def test_what_is_quoted_from_r_is_what_r_printed():
    """Every line of every block, in the order in which R printed the lines of a block."""
    made = [(HOME / "tests" / "reference" / "from_r" / name).read_text() for name in ("machines.txt", "brms.txt")]
    printed_by_r = [line.rstrip() for text in made for line in text.splitlines()]
    cells = build().notebook(HOME / "examples" / "from_r.py").cells
    blocks = [b for c in cells for b in re.findall(r"```text\n(.*?)```", c.source, flags=re.DOTALL)]
    assert len(blocks) > 8
    for block in blocks:
        left = iter(printed_by_r)
        for line in filter(None, map(str.rstrip, block.splitlines())):
            assert line in left, line


def test_versions_of_r_are_those_that_the_notebook_names():
    folder = HOME / "tests" / "reference" / "from_r"
    heads = [(folder / name).read_text().splitlines()[0] for name in ("machines.txt", "brms.txt")]
    said = build().notebook(HOME / "examples" / "from_r.py").cells[0].source.replace("-", ".")
    versions = re.findall(r"(\w+) (\d+(?:\.\d+)+)", ", ".join(heads))
    assert {"lme4", "brms"} <= {name for name, _ in versions}
    for name, number in versions:
        assert name == "rstan" or f"{name} {number}" in " ".join(said.split())


def test_the_readme_shows_what_the_demo_prints(tmp_path):
    blocks = re.findall(r"```text\n(.*?)```", (HOME / "README.md").read_text(), flags=re.DOTALL)
    lines = [line for line in blocks[0].splitlines() if line.strip() not in ("", "...")]
    done = CliRunner(env={"COLUMNS": "80"}).invoke(app, ["demo", "--no-bayes", "--out", str(tmp_path)])
    shown = done.stdout.splitlines()
    assert len(lines) > 7
    assert [line for line in lines if line not in shown] == []
