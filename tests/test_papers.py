"""Every result with a table gives it for papers: LaTeX, Markdown, great_tables; each row is there, and escaped."""

import importlib
import inspect
import pkgutil
import re
import warnings
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import bayeslmm as blm
from bayeslmm.compare.calibration import RANKED, Calibration
from bayeslmm.compare.rank_uniformity import summary
from bayeslmm.compare.rm_anova import rm_anova
from bayeslmm.errors import ArgumentError, BayeslmmWarning
from bayeslmm.results.apa.prose import latex, markdown
from bayeslmm.results.table_cells import cells_of
from bayeslmm.results.table_export import Tabular, table_of

FORMULA = "y ~ x_1 + arm + (1 + x_1 | sub_ject)"
TRUTH = {"fixef": {"x_1": 0.5}, "sd": {"sub_ject": [1.0, 0.4]}, "sigma": 1.0}

OF_FITS = {
    "fit": lambda r: r.fit,
    "summary": lambda r: r.fit.summary(),
    "check": lambda r: r.fit.check(),
    "missing": lambda r: r.holes.missing(),
    "anova": lambda r: r.fit.anova(),
    "models": lambda r: r.fit.anova(r.small),
    "ranova": lambda r: r.fit.ranova(),
    "contrast": lambda r: r.fit.contrast("x_1"),
    "contrasts": lambda r: r.fit.contrasts("arm"),
    "means": lambda r: r.fit.means("arm"),
    "slopes": lambda r: r.fit.slopes("x_1"),
    "repca": lambda r: r.fit.repca(),
    "influence": lambda r: r.fit.influence(),
    "profile": lambda r: r.fit.profile("x_1"),
    "bootstrap": lambda r: r.fit.bootstrap(n=4, seed=1, progress=False),
    "residuals": lambda r: r.fit.quantile_residuals(n=99, seed=1),
    "lm": lambda r: r.linear,
    "lm models": lambda r: r.linear.anova(r.less),
    "robust": lambda r: r.linear.robust(),
    "wild bootstrap": lambda r: r.linear.wild_bootstrap("x_1", seed=1),
    "pool": lambda r: r.pooled,
    "pool anova": lambda r: r.pooled.anova(),
    "pooling": lambda r: blm.pooling(r.fit),
    "alternatives": lambda r: blm.alternatives(FORMULA, r.data, bayes=False),
    "repeated measures": lambda r: rm_anova(r.cells.design, r.cells.design.terms[0]),
    "explain": lambda r: blm.explain(FORMULA, r.data),
    "advise": lambda r: blm.advise(FORMULA, r.data),
    "simulate": lambda r: r.made,
    "recovery": lambda r: r.made.recovery(r.fit),
    "power": lambda r: blm.power(FORMULA, r.data, **TRUTH, n=5, seed=1, progress=False),
    "calibrate": lambda r: calibration(),
    # what is no class of our own, or not one of `results`
    "varcorr": lambda r: r.fit.varcorr,
    "confint": lambda r: r.fit.confint(),
    "ranef": lambda r: r.fit.ranef(),
    "icc": lambda r: r.fit.icc(by_group=True, level=0.95),
    "r2": lambda r: r.fit.r2(),
    "functional": lambda r: r.fit.functional(lambda p: {"a_b": p.beta["x_1"] / p.sigma}),
    "priors": lambda r: r.model.priors,
}
OF_POSTERIORS = {
    "posterior": lambda r: r.post,
    "posterior summary": lambda r: r.post.summary(),
    "posterior means": lambda r: r.post.means("arm"),
    "diagnostics": lambda r: r.post.diagnostics(),
    "posterior check": lambda r: r.post.check(replicates=50),
    "loo": lambda r: r.post.loo(),
    "logo": lambda r: r.post.logo("sub_ject"),
    "hypothesis": lambda r: r.post.hypothesis("x_1 > 0"),
    "prior sensitivity": lambda r: r.post.prior_sensitivity(),
    "prior decision": lambda r: r.post.prior_sensitivity("x_1", refits=0),
    "pool posteriors": lambda r: blm.pool([r.post, r.post]),
    "compare": lambda r: blm.compare(r.fit, r.post),
    "reanalyse": lambda r: r.fit.reanalyse(post=r.post, sensitivity=False, bootstrap=0),
    "posterior icc": lambda r: r.post.icc(by_group=True),
    "bayes r2": lambda r: r.post.bayes_r2(),
}


TABLES_OF_OTHERS = {
    # parts of a Reanalysis, and what stands left of `results`: the functions take them, and they have no methods
    "bayeslmm.compare.triage.alternatives.Alternatives",
    "bayeslmm.compare.triage.posterior_part.PosteriorPart",
    "bayeslmm.bayes.priors.Priors",
    "bayeslmm.bayes.packed_priors.PriorsInWords",
    # none is a result
    "bayeslmm.results.table_export.WithTable",
    "bayeslmm.results.posterior.base.PriorTable",
    "bayeslmm.cli.show.Shown",
}


def calibration():
    ranks = pd.DataFrame(np.random.default_rng(1).integers(0, RANKED + 1, (60, 2)), columns=["x_1", "sigma"])
    return Calibration(ranks, summary(ranks, RANKED, np.random.default_rng(2)), RANKED, 0)


@pytest.fixture(scope="module")
def r():
    """Fits of data whose names and levels hold what LaTeX and Markdown take for their own."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(12, 8))
    rows = {
        "y": (
            0.5 * x + rng.normal(size=(12, 1)) + 0.6 * rng.normal(size=(12, 1)) * x + rng.normal(size=x.shape)
        ).ravel(),
        "x_1": x.ravel(),
        "arm": np.tile(["50% & more", "none_#1"], 48),
        "sub_ject": np.repeat([f"{{s}}_{j}|$" for j in range(12)], 8),
    }
    data = pd.DataFrame(rows)
    model = blm.Model(FORMULA, data)
    means = data.groupby(["sub_ject", "arm"], as_index=False).mean()
    holes = data.assign(x_1=data["x_1"].where(data.index > 3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BayeslmmWarning)
        fit = model.fit()
        return SimpleNamespace(
            data=data,
            model=model,
            fit=fit,
            small=blm.lmer("y ~ x_1 + arm + (1 | sub_ject)", data),
            holes=blm.lmer(FORMULA, holes),
            linear=blm.lm("y ~ x_1 + arm", data, cluster="sub_ject"),
            less=blm.lm("y ~ arm", data, cluster="sub_ject"),
            pooled=blm.pool([fit, blm.lmer(FORMULA, data.assign(y=data["y"] + 0.1 * data["x_1"] ** 2))]),
            made=blm.simulate(FORMULA, data, **TRUTH, seed=1),
            cells=blm.lmer("y ~ arm + (1 | sub_ject)", means),
        )


@pytest.fixture(scope="module")
def sampled(r):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BayeslmmWarning)
        return SimpleNamespace(fit=r.fit, post=r.model.sample(draws=200, chains=2, seed=1))


def has_every_row(result):
    """Each row's cells stand in each format, escaped; LaTeX has no sign of its own but ours."""
    cells = cells_of(table_of(result))
    assert cells.rows
    in_latex = blm.to_latex(result, "A 50% title", "tab:a_b")
    in_markdown = blm.to_markdown(result, "A 50% title").splitlines()
    html = blm.to_great_tables(result, "A title").as_raw_html()
    body = in_latex.split(r"\midrule")[1]
    for row in cells.rows:
        assert " & ".join(" ".join(latex(c).split()) for c in row) + r" \\" in body
        assert f"| {' | '.join(' '.join(markdown(c).split()) for c in row)} |" in in_markdown
    assert html.count("<tr") >= len(cells.rows)
    assert r"\caption{A 50\% title}" in in_latex
    assert r"\label{tab:a_b}" in in_latex
    bare = re.sub(r"\\[&%$#_{}]", "", in_latex)  # escaped signs
    assert not re.search(r"[#%|<>~]|[^\x00-\x7f]", bare)
    assert bare.count("$") % 2 == 0
    assert bare.count("{") == bare.count("}")
    assert "_" not in re.sub(r"\\label\{.*?\}", "", bare)
    lines = [line for line in bare.split(r"\midrule")[1].splitlines() if line.endswith(r" \\")]
    assert len(lines) == len(cells.rows)
    assert {line.count("&") for line in lines} == {len(cells.header) - 1}


@pytest.mark.filterwarnings("ignore::bayeslmm.errors.BayeslmmWarning")
@pytest.mark.parametrize("name", OF_FITS)
def test_what_comes_of_fits(r, name):
    has_every_row(OF_FITS[name](r))


@pytest.mark.sampling
@pytest.mark.filterwarnings("ignore::bayeslmm.errors.BayeslmmWarning")
@pytest.mark.parametrize("name", OF_POSTERIORS)
def test_what_comes_of_posteriors(sampled, name):
    has_every_row(OF_POSTERIORS[name](sampled))


def every_class():
    for module in pkgutil.walk_packages(blm.__path__, "bayeslmm."):
        if not module.name.endswith("__main__"):
            for _, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
                if kind.__module__ == module.name:
                    yield kind


def path(kind):
    return f"{kind.__module__}.{kind.__qualname__}"


def test_every_class_with_a_table_has_the_methods():
    with_table = {
        path(kind)
        for kind in every_class()
        if "table" in inspect.get_annotations(kind) or isinstance(kind.__dict__.get("table"), property)
    }
    tabular = {path(kind) for kind in every_class() if issubclass(kind, Tabular)}
    assert with_table - tabular == TABLES_OF_OTHERS


@pytest.mark.sampling
@pytest.mark.filterwarnings("ignore::bayeslmm.errors.BayeslmmWarning")
def test_one_of_each_kind_is_built_here(r, sampled):
    built = [make(r) for make in OF_FITS.values()] + [make(sampled) for make in OF_POSTERIORS.values()]
    kinds = {path(kind) for kind in every_class() if issubclass(kind, Tabular) and not inspect.isabstract(kind)}
    assert kinds - {path(type(result)) for result in built} == set()
    for result in built:
        if isinstance(result, Tabular):
            assert result.to_latex("c", "l") == blm.to_latex(result, "c", "l")
            assert result.to_markdown("c") == blm.to_markdown(result, "c")
            assert result.to_great_tables().as_raw_html().count("<tr") == len(table_of(result)) + 1


@pytest.mark.parametrize("export", [blm.to_latex, blm.to_markdown, blm.to_great_tables])
def test_what_has_no_table_is_refused(export):
    with pytest.raises(ArgumentError, match=r"a result that has one, such as fit.summary\(\); got list"):
        export([1])
