"""Which folder may import what, read from the syntax trees, so that imports hidden in functions count too."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import pytest

import bayeslmm

PACKAGE = Path(bayeslmm.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
ORDER = [
    {"design"},
    {"likelihood"},
    {"point", "bayes"},
    {"results"},
    {"compare", "explaining"},
    {"model"},
    {"verbs"},
    {"planning"},
    {"loading"},
    {"demo"},
    {"cli"},
]
FREE = {"errors", "datasets"}

HOMES = {
    "pymc": {"bayes"},
    "pytensor": {"bayes"},
    "nutpie": {"bayes"},
    "arviz": {"results", "compare"},
    "arviz_base": {"results", "compare"},
    "arviz_stats": {"results", "compare"},
    "arviz_plots": {"results", "compare"},
    "matplotlib": {"results", "compare", "planning"},
}

# File and module of every import that waits inside a function, and why it does.
START = "the command line answers --help at once; what a command needs is loaded when it runs"
PLAIN = "ArviZ and matplotlib take seconds to import; a fit without files or posterior does without"
SLOW_PYMC = "PyMC takes seconds to import; other engines do without"
SLOW = "PyMC takes seconds to import; a REML fit does without"
COMPILED = "Numba takes half a second to import, and small fits do without"
JAX = "an extra, and takes seconds to import"
OPTIMIZE = "scipy.optimize takes a quarter of a second to import; a fit does without"
FEW = "few posteriors are asked; sampling does without"
FEW_FITS = "few fits are asked"
BARS = "only sampling of more than a second on a terminal shows bars"
FILES_ALONE = "xarray takes half a second to import, and a fit that is not saved does without"
HALF = "a process that compiles one half for another one needs no model, and is waited for"
LAZY = {
    ("warm_up.py", "bayeslmm.datasets"): HALF,
    ("warm_up.py", "bayeslmm.verbs.lmer"): HALF,
    ("design/transforms.py", "scipy.interpolate"): "splines alone need it, and it takes most of a second",
    ("point/icc.py", "scipy.optimize"): OPTIMIZE,
    ("point/robust.py", "statsmodels.regression.linear_model"): "takes seconds to import; few ask for robust errors",
    ("point/multiplicity.py", "scipy.stats"): "the studentised range alone needs it, and it takes half a second",
    ("point/derivative_free.py", "nlopt"): "only two of three optimisers need it",
    ("likelihood/runner.py", "bayeslmm.likelihood.compiled.engine"): COMPILED,
    ("point/search.py", "bayeslmm.point.small_search"): COMPILED,
    ("likelihood/crossprod.py", "bayeslmm.likelihood.compiled.sums"): COMPILED,
    ("point/progress.py", "rich.console"): "only a fit of more than two seconds on a terminal shows a line",
    **{("bayes/progress.py", f"rich.{part}"): BARS for part in ("console", "live", "progress_bar", "table")},
    ("cli/commands/first.py", "bayeslmm.cli.datasets"): START,
    ("cli/commands/first.py", "bayeslmm.cli.demo"): START,
    ("cli/commands/fit.py", "bayeslmm.cli.fit"): START,
    ("cli/commands/reanalyse.py", "bayeslmm.cli.reanalyse"): START,
    **{("cli/commands/means.py", f"bayeslmm.cli.{part}"): START for part in ("means", "task")},
    **{("cli/commands/tests.py", f"bayeslmm.cli.{part}"): START for part in ("tables", "task")},
    **{("cli/commands/posterior.py", f"bayeslmm.cli.{part}"): START for part in ("tables", "task")},
    **{("cli/commands/words.py", f"bayeslmm.cli.{part}"): START for part in ("explain", "paper")},
    ("cli/commands/studies.py", "bayeslmm.cli.studies"): START,
    ("cli/commands/planning.py", "bayeslmm.cli.planning"): START,
    ("cli/fit.py", "bayeslmm.cli.write"): PLAIN,
    ("cli/priors.py", "bayeslmm.bayes"): START,
    ("cli/fit.py", "bayeslmm.compare.comparison"): PLAIN,
    ("results/fit/looking.py", "bayeslmm.results.fit_plots"): PLAIN,
    ("results/fit/means.py", "bayeslmm.results.marginaleffects"): "an extra",
    ("results/fit/onwards.py", "bayeslmm.results.saved_fit"): FILES_ALONE,
    ("results/quantile_residuals.py", "bayeslmm.results.fit_plots"): PLAIN,
    ("results/influence.py", "bayeslmm.results.influence_plot"): PLAIN,
    ("bayes/nuts.py", "pymc.sampling.jax"): JAX,
    ("bayes/nuts.py", "bayeslmm.bayes.marginal_jax"): JAX,
    ("bayes/marginal_op.py", "bayeslmm.bayes.marginal_jax"): JAX,
    ("model.py", "bayeslmm.bayes.priors"): SLOW,
    ("bayes/given.py", "bayeslmm.bayes.foreign"): SLOW + ", and so do priors of our own vocabulary",
    ("model.py", "bayeslmm.bayes.packed_priors"): SLOW,
    ("model.py", "bayeslmm.bayes.hierarchical"): SLOW,
    ("model.py", "bayeslmm.bayes.parameterisation"): SLOW,
    ("model.py", "bayeslmm.bayes.marginal_model"): SLOW,
    ("model.py", "bayeslmm.bayes.sample"): SLOW,
    ("bayes/engines.py", "bayeslmm.bayes.nuts"): SLOW_PYMC,
    ("bayes/engines.py", "bayeslmm.bayes.marginal.run"): COMPILED,
    ("bayes/engines.py", "bayeslmm.bayes.complete"): COMPILED,
    ("bayes/engines.py", "bayeslmm.bayes.integrated"): COMPILED,
    ("bayes/engines.py", "bayeslmm.bayes.store"): "few runs are stored",
    ("bayes/engines.py", "bayeslmm.bayes.marginal.importance"): COMPILED,
    ("bayes/marginal/mode.py", "scipy.optimize"): OPTIMIZE,
    ("model.py", "bayeslmm.results.posterior"): "ArviZ takes a second to import; a REML fit does without",
    ("model.py", "bayeslmm.results.posterior_remedy"): "ArviZ takes a second to import; a REML fit does without",
    ("model.py", "bayeslmm.results.prior_predictive"): "xarray takes half a second to import; a REML fit does without",
    ("model.py", "bayeslmm.results.model_plots"): PLAIN,
    ("model.py", "bayeslmm.compare.triage.reanalysis"): PLAIN,
    ("verbs/alternatives.py", "bayeslmm.compare.alternatives"): PLAIN,
    ("results/profile.py", "bayeslmm.results.profile_pictures"): PLAIN,
    ("results/pooled.py", "bayeslmm.results.pooled_posterior"): FILES_ALONE.replace("a fit that is not saved", "a fit"),
    ("planning/power_table.py", "bayeslmm.planning.pictures"): PLAIN,
    ("planning/recovery.py", "bayeslmm.planning.pictures"): PLAIN,
    ("results/posterior/telling.py", "bayeslmm.results.posterior_plots"): PLAIN,
    ("results/posterior/predictions.py", "bayeslmm.results.prior_parameters"): FEW,
    ("results/posterior/priors.py", "bayeslmm.results.prior_parameters"): FEW,
    ("results/posterior/priors.py", "bayeslmm.results.prior_sensitivity"): FEW,
    ("results/posterior/priors.py", "bayeslmm.results.prior_decision"): FEW,
    ("results/posterior_check.py", "bayeslmm.results.posterior_check_plot"): PLAIN,
    ("results/posterior/__init__.py", "bayeslmm.results.posterior_from_draws"): COMPILED.replace(
        "small fits", "most posteriors"
    ),
    ("results/posterior_hypothesis.py", "arviz_stats.base"): "ArviZ takes four seconds to import; few are asked for",
    ("results/posterior_loo.py", "arviz_stats"): "ArviZ takes four seconds to import; sampling does without",
    ("results/posterior/predictions.py", "bayeslmm.bayes.prior_draws"): SLOW
    + ", and so does a posterior that was loaded",
    ("explaining/mathml.py", "math_core"): "whoever wants it installs it",
    ("results/table_export.py", "great_tables"): "whoever wants it installs it",
    ("results/fit/telling.py", "bayeslmm.results.apa.of_fit"): FEW_FITS,
    ("results/posterior/telling.py", "bayeslmm.results.apa.of_posterior"): FEW,
    ("results/fit/telling.py", "bayeslmm.results.report.of_fit"): PLAIN,
    ("results/linear_fit/looking.py", "bayeslmm.results.linear_plots"): PLAIN,
    ("results/linear_fit/telling.py", "bayeslmm.results.apa.of_linear"): FEW_FITS,
    ("results/linear_fit/telling.py", "bayeslmm.results.report.of_linear"): PLAIN,
    ("results/posterior/telling.py", "bayeslmm.results.report.of_posterior"): PLAIN,
    ("results/report/blocks.py", "bayeslmm.results.report.page"): PLAIN,
}
TYPES_ONLY = {("model.py", "pymc"): "the return type of Model.pymc_model"}


@dataclass(frozen=True, slots=True)
class Import:
    """One import: where it stands, the module, and whether it waits in a function or is for type checkers only."""

    file: str
    module: str
    line: int
    relative: bool
    in_function: bool
    types_only: bool

    @property
    def layer(self) -> str:
        return self.file.split("/")[0].removesuffix(".py")

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}: {self.module}"


def imports(path: Path) -> Iterator[Import]:
    file = path.relative_to(PACKAGE).as_posix()

    def walk(node: ast.AST, in_function: bool, types_only: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            here = in_function or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            match child:
                case ast.Import(names):
                    for name in names:
                        yield Import(file, name.name, child.lineno, False, here, types_only)
                case ast.ImportFrom(module, names, level):
                    for name in names:
                        whole = f"bayeslmm.{name.name}" if module == "bayeslmm" else module or ""
                        yield Import(file, whole, child.lineno, level > 0, here, types_only)
                case ast.If(ast.Name("TYPE_CHECKING"), body, orelse):
                    for part in body:
                        yield from walk(ast.Module([part], []), here, True)
                    for part in orelse:
                        yield from walk(ast.Module([part], []), here, types_only)
                case _:
                    yield from walk(child, here, types_only)

    yield from walk(ast.parse(path.read_text(encoding="utf-8")), False, False)


ALL = [i for path in FILES for i in imports(path)]


def allowed(layer: str) -> set[str]:
    """What a layer may import of the package: itself and all to its left."""
    left = list(takewhile(lambda level: layer not in level, ORDER))
    return FREE | {layer} | set().union(*left)


def test_every_file_belongs_to_a_layer():
    known = set().union(*ORDER) | FREE | {"__init__", "__main__", "warm_up"}
    assert {i.layer for i in ALL} <= known
    assert all(any(i.layer == layer for i in ALL) for layer in ("design", "likelihood", "point", "results", "compare"))


@pytest.mark.parametrize("layer", sorted(set().union(*ORDER)))
def test_a_layer_imports_itself_and_what_stands_to_its_left(layer):
    own = [i for i in ALL if i.layer == layer and i.module.split(".")[0] == "bayeslmm"]
    wrong = [i.place for i in own if i.module.split(".")[1] not in allowed(layer)]
    assert wrong == []


def test_point_and_bayes_never_see_each_other():
    assert "bayes" not in allowed("point")
    assert "point" not in allowed("bayes")
    assert {"point", "bayes", "likelihood"} <= allowed("results")


def test_errors_and_data_sets_stand_alone():
    own = [i for i in ALL if i.layer in FREE and i.module.split(".")[0] == "bayeslmm"]
    assert [i.place for i in own if i.module.split(".")[1] not in {i.layer, "errors"}] == []


def test_the_package_itself_imports_only_the_errors():
    own = [i for i in ALL if i.file == "__init__.py" and not i.types_only]
    assert {i.module for i in own} == {"importlib", "typing", "bayeslmm.errors"}


def test_heavy_libraries_stay_at_home():
    away = [i for i in ALL if i.layer not in HOMES.get(i.module.split(".")[0], {i.layer})]
    assert {(i.file, i.module) for i in away if i.types_only} <= set(TYPES_ONLY)
    assert [i.place for i in away if not i.types_only] == []


@pytest.mark.parametrize("whole", [bayeslmm.Fit, bayeslmm.Posterior])
def test_chapters_of_a_class_do_not_overlap(whole):
    chapters = [c for c in whole.__bases__ if c.__module__.startswith(f"{whole.__module__}.")]
    names = [n for c in chapters for n in vars(c) if n not in {"__module__", "__doc__", "__firstlineno__"}]
    own = [n for n in names if not (n.startswith("_") and n.endswith("_abc_impl"))]
    shared = {n for n in own if own.count(n) > 1}
    assert len(chapters) == len(whole.__bases__) > 5
    assert shared <= {"__static_attributes__", "__abstractmethods__"}


def test_imports_are_absolute():
    assert [i.place for i in ALL if i.relative] == []


def test_imports_that_wait_in_a_function_are_listed_with_their_reason():
    assert {(i.file, i.module) for i in ALL if i.in_function} == set(LAZY)


def test_nothing_is_imported_by_name_but_in_the_package_itself():
    found = []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = node.func if isinstance(node, ast.Call) else None
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if name in ("import_module", "__import__"):
                found.append(path.relative_to(PACKAGE).as_posix())
    assert found == ["__init__.py"]


HEAVY = ("pymc", "pytensor", "nutpie", "arviz", "arviz_stats", "matplotlib")
FIT = """
import bayeslmm as blm
fit = blm.lmer("Reaction ~ Days + (1 | Subject)", blm.datasets.load("sleepstudy"))
print(fit.summary(), fit.ranef(), fit.coef(), fit.predict(), fit.anova())
"""


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import bayeslmm", (*HEAVY, "numba", "scipy.stats", "scipy", "pandas", "numpy", "narwhals")),
        ("import bayeslmm as blm; blm.lmer; blm.Fit; blm.datasets", HEAVY),
        (FIT, HEAVY),
        ("import bayeslmm as blm; blm.Posterior; blm.load; import bayeslmm.bayes.store", (*HEAVY, "scipy.stats")),
        ("import bayeslmm.cli.fit", HEAVY),
        ("import bayeslmm.cli", (*HEAVY, "numba", "scipy", "pandas", "numpy", "narwhals")),
    ],
    ids=["import", "names", "fit", "posterior", "cli fit", "cli"],
)
def test_what_is_not_needed_is_not_loaded(code, absent):
    script = f"{code}\nimport sys\nloaded = [m for m in {absent!r} if m in sys.modules]\nassert not loaded, loaded"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
