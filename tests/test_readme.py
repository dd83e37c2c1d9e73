"""What the README names exists: functions and methods, keywords, commands and their options, files; its Python runs."""

import ast
import importlib
import inspect
import re
import shlex
from functools import cache
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import bayeslmm as blm
from bayeslmm.bayes import sample
from bayeslmm.cli import app
from bayeslmm.results.linear_fit import LinearFit

HOME = Path(__file__).parents[1]
README = (HOME / "README.md").read_text(encoding="utf-8")
TABLE = re.search(r"\[start:r-users\] -->\n(.+?)\n\n", README, flags=re.DOTALL)[1]
ROWS = [re.split(r"(?<!\\)\|", line.strip("|")) for line in TABLE.splitlines()[2:]]
OBJECTS = {
    "blm": blm,
    "fit": blm.Fit,
    "m1": blm.Fit,
    "lm": LinearFit,
    "lm2": LinearFit,
    "post": blm.Posterior,
    "model": blm.Model,
}
PLOTS = {
    "FitPlots": "fit_plots",
    "PosteriorPlots": "posterior_plots",
    "ModelPlots": "model_plots",
    "LinearPlots": "linear_plots",
}
# what the table calls arguments, and values that stand for themselves
GIVEN = {"f", "d", "nd", "m2", "L", "a", "b", "data", "design", "grid", "frames", "fits", "posteriors", "draws"}


def spans() -> list[str]:
    return [span for _, right in ROWS for span in re.findall(r"`([^`]+)`", right)]


@cache
def documented() -> list[type]:
    """All classes of the reference, and what their `plot` returns."""
    paths = [
        p for page in (HOME / "docs" / "api").glob("*.md") for p in re.findall(r"^::: (\S+)$", page.read_text(), re.M)
    ]
    found = [getattr(importlib.import_module(p.rpartition(".")[0]), p.rpartition(".")[2]) for p in paths]
    return [one for one in found if isinstance(one, type)]


def has(owner, name: str) -> bool:
    return hasattr(owner, name) or name in getattr(owner, "__dataclass_fields__", {})


def resolve(node: ast.expr):
    """The object that an expression names; None where that is a result whose class the name does not tell."""
    match node:
        case ast.Name(id):
            assert id in OBJECTS or id in GIVEN or id in ("marginaleffects", "arviz", "v", "print"), id
            return importlib.import_module(id) if id in ("marginaleffects", "arviz") else OBJECTS.get(id)
        case ast.Attribute(value, attr):
            owner = resolve(value)
            if owner is None:
                return None
            if isinstance(owner, property):
                return plots(owner, attr)
            assert has(owner, attr), f"{ast.unparse(node)}: {owner} has no {attr}"
            return inspect.getattr_static(owner, attr, None) if isinstance(owner, type) else getattr(owner, attr)
        case _:
            return None


def plots(owner: property, attr: str):
    """A picture: `fit.plot.caterpillar`, or a property of a result."""
    name = inspect.signature(owner.fget).return_annotation
    if name in PLOTS:
        found = getattr(importlib.import_module(f"bayeslmm.results.{PLOTS[name]}"), name)
        assert has(found, attr), f"{name} has no {attr}"
    return


def keywords(call: ast.Call, function) -> None:
    """Every keyword is one of the function's, or of what it hands its options to."""
    if function is None or isinstance(function, type):
        return
    known = set(inspect.signature(inspect.unwrap(getattr(function, "__func__", function))).parameters)
    if "options" in known:
        known |= set(inspect.signature(blm.Model.__init__).parameters) | set(sample.OPTIONS)
    assert {k.arg for k in call.keywords} <= known, ast.unparse(call)


def test_the_table_is_read():
    assert len(ROWS) >= 50
    assert all(len(row) == 2 for row in ROWS)
    assert len(spans()) > 90


@pytest.mark.parametrize("span", sorted(set(spans())))
def test_names_of_the_table_for_r_users_exist(span):
    if re.fullmatch(r'"[\w-]+"', span):
        return  # another value of the option before
    if re.fullmatch(r"\w+=.+", span):
        options = {"optimizer", "new_levels", *inspect.signature(blm.Model.__init__).parameters}
        assert span.split("=")[0] in options
        ast.parse(f"f({span})")
        return
    if span.startswith("."):
        name = re.match(r"\.(\w+)", span)[1]
        assert any(has(one, name) for one in documented()), span
        return
    tree = ast.parse(span, mode="eval").body
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            resolve(node)
        if isinstance(node, ast.Call):
            keywords(node, resolve(node.func))
    root = re.match(r"(?:print\()?(\w+)", span)[1]
    assert root in OBJECTS or root in ("marginaleffects", "arviz"), span


def commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)
    lines = [line.split(" #")[0].strip() for block in blocks for line in block.splitlines()]
    return [line[line.index("bayeslmm ") :] for line in lines if re.search(r"\bbayeslmm ", line)]


@pytest.mark.parametrize("line", commands())
def test_commands_and_their_options_exist(line):
    _, name, *rest = shlex.split(line)
    group = typer.main.get_command(app)
    assert name in group.commands
    known = {
        option for parameter in group.commands[name].params for option in (*parameter.opts, *parameter.secondary_opts)
    }
    assert {word for word in rest if word.startswith("--")} <= known
    assert CliRunner().invoke(app, [name, "--help"]).exit_code == 0


def test_commands_named_beside_others_exist():
    known = typer.main.get_command(app).commands
    block = re.search(r"\[start:command-line\] -->\n```sh\n(.*?)```", README, flags=re.DOTALL)[1]
    beside = [word for comment in re.findall(r"# (.+)", block) for word in re.findall(r"[\w-]+", comment)]
    named = {"anova", "ranova", "confint", "means", "slopes", "predict", "priors", "loo", "apa", "pooling", "check"}
    assert named <= set(beside) & set(known)
    assert set(known) - {line.split()[1] for line in commands()} - set(beside) == set()


def test_files_that_the_readme_links_to_exist():
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    assert len(links) > 10
    assert [link for link in links if not (HOME / link).exists()] == []


def test_every_notebook_is_linked():
    notebooks = {f"examples/{path.name}" for path in (HOME / "examples").glob("*.ipynb")}
    assert notebooks <= set(re.findall(r"\]\(([^)#]+)\)", README))


def test_data_sets_that_the_readme_lists_are_packaged():
    listed = re.search(r"`blm\.datasets\.describe\(name\)`: ([\w, \n]+)\.", README)[1]
    for name in re.split(r",\s+", listed.replace("\n", " ")):
        assert len(blm.datasets.load(name)) > 0


@pytest.mark.sampling
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::bayeslmm.errors.SingularFitWarning")
def test_the_python_of_the_readme_runs(capsys):
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    names: dict = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
    assert names["fit"].is_singular
    assert names["post"].diagnostics().table.loc["R-hat", "value"] < 1.05
    assert "boundary (singular) fit" in capsys.readouterr().out
