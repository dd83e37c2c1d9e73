"""bayeslmm: one formula, two inferences, one likelihood.

An lme4-style formula and a data frame give the exact REML or ML fit and the posterior of the same model:

    fit = bayeslmm.lmer("salary ~ 1 + grade + (1 + grade | major)", data)
    post = fit.sample()
    bayeslmm.compare(fit, post)

Where things are, in the order in which data pass through:

    design/      formula + data -> arrays
    likelihood/  arrays -> exact marginal likelihood, value and gradient; compiled/ has its fast loops
    point/       maximise it; frequentist inference, also of least squares
    bayes/       put priors on it and sample; marginal/ with the random effects integrated out, else by PyMC
    results/     what people hold, read and plot: fit/, linear_fit/ and posterior/ have a file a chapter, apa/ the
                 paragraphs of a paper, report/ the HTML page; beside them the functions
    compare/     the two side by side; calibration; pooling; other analyses; triage/ of a singular fit
    explaining/  what a formula says, and where it does not fit the data
    model.py     Model
    verbs/       lmer, brm, lm, reanalyse, alternatives
    planning/    data from a stated model, recovery of its parameters, power
    loading.py   load: what save wrote
    demo/        the salary analysis, told from a wrong sign to a posterior
    cli/         the command line
    warm_up.py   compile the fast loops once, for later processes
    datasets/    packaged data, and the salary simulator
    errors.py    what is raised and warned of

Glossary. The same letters everywhere, shapes in parentheses:

    y (n,)           response                         n       rows
    X (n, p)         fixed effects' columns           p       fixed-effect coefficients
    beta (p,)        fixed effects                    J       levels of a grouping factor
    Z (n, k)         a term's random-effect columns   k       effects per level
    b (J, k)         random effects, b = Lambda u     q       all random effects, sum of J k
    u (J, k)         spherical random effects         m       length of theta
    Lambda (k, k)    relative covariance factor: Cov(b) = sigma^2 Lambda Lambda'
    theta (m,)       the free entries of all Lambda
    sigma            residual sd
    w (n,), W        prior weights: Var(e_i) = sigma^2 / w_i; W = diag(w)
    A                [Z X y]'W[Z X y], cross-products
    M, L             Lambda' A Lambda + diag(I, 0) and its Cholesky factor
    r2               penalised residual sum of squares
    criterion        -2 log (restricted) likelihood
    L beta           in tests and contrasts: linear functions of the coefficients, one a row of L
    S                draws of a posterior; simulated data sets
    G                clusters of robust standard errors
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from bayeslmm import errors

if TYPE_CHECKING:
    from bayeslmm import datasets
    from bayeslmm.bayes.distributions import (
        LKJ,
        Cauchy,
        Exponential,
        Flat,
        Gamma,
        HalfCauchy,
        HalfNormal,
        HalfStudentT,
        InverseGamma,
        Laplace,
        Logistic,
        LogNormal,
        Normal,
        StudentT,
        TruncatedNormal,
        Uniform,
        Weibull,
    )
    from bayeslmm.compare.calibration import calibrate
    from bayeslmm.compare.comparison import compare
    from bayeslmm.compare.pooling import pooling
    from bayeslmm.explaining.explain import advise, explain
    from bayeslmm.likelihood.threads import set_threads, threads
    from bayeslmm.loading import load
    from bayeslmm.model import Model
    from bayeslmm.planning.designs import crossed, dropout, nested, thinned
    from bayeslmm.planning.power import power
    from bayeslmm.planning.simulate import simulate
    from bayeslmm.results.fit import Fit
    from bayeslmm.results.pooled import pool
    from bayeslmm.results.posterior import Posterior
    from bayeslmm.results.table_export import to_great_tables, to_latex, to_markdown
    from bayeslmm.verbs.alternatives import alternatives
    from bayeslmm.verbs.brm import brm
    from bayeslmm.verbs.lm import lm
    from bayeslmm.verbs.lmer import lmer
    from bayeslmm.verbs.reanalyse import reanalyse

__version__ = "0.1.0"

_HOME = {
    "Model": "bayeslmm.model",
    "lmer": "bayeslmm.verbs.lmer",
    "brm": "bayeslmm.verbs.brm",
    "lm": "bayeslmm.verbs.lm",
    "reanalyse": "bayeslmm.verbs.reanalyse",
    "alternatives": "bayeslmm.verbs.alternatives",
    "load": "bayeslmm.loading",
    "Fit": "bayeslmm.results.fit",
    "Posterior": "bayeslmm.results.posterior",
    "calibrate": "bayeslmm.compare.calibration",
    "compare": "bayeslmm.compare",
    "pooling": "bayeslmm.compare.pooling",
    "advise": "bayeslmm.explaining.explain",
    "explain": "bayeslmm.explaining.explain",
    "datasets": "bayeslmm.datasets",
    **dict.fromkeys(("crossed", "dropout", "nested", "thinned"), "bayeslmm.planning.designs"),
    "pool": "bayeslmm.results.pooled",
    "power": "bayeslmm.planning.power",
    "simulate": "bayeslmm.planning.simulate",
    "set_threads": "bayeslmm.likelihood.threads",
    "threads": "bayeslmm.likelihood.threads",
    **dict.fromkeys(("to_great_tables", "to_latex", "to_markdown"), "bayeslmm.results.table_export"),
    **dict.fromkeys(
        (
            "LKJ",
            "Cauchy",
            "Exponential",
            "Flat",
            "Gamma",
            "HalfCauchy",
            "HalfNormal",
            "HalfStudentT",
            "InverseGamma",
            "Laplace",
            "LogNormal",
            "Logistic",
            "Normal",
            "StudentT",
            "TruncatedNormal",
            "Uniform",
            "Weibull",
        ),
        "bayeslmm.bayes.distributions",
    ),
}

__all__ = [
    "LKJ",
    "Cauchy",
    "Exponential",
    "Fit",
    "Flat",
    "Gamma",
    "HalfCauchy",
    "HalfNormal",
    "HalfStudentT",
    "InverseGamma",
    "Laplace",
    "LogNormal",
    "Logistic",
    "Model",
    "Normal",
    "Posterior",
    "StudentT",
    "TruncatedNormal",
    "Uniform",
    "Weibull",
    "advise",
    "alternatives",
    "brm",
    "calibrate",
    "compare",
    "crossed",
    "datasets",
    "dropout",
    "errors",
    "explain",
    "lm",
    "lmer",
    "load",
    "nested",
    "pool",
    "pooling",
    "power",
    "reanalyse",
    "set_threads",
    "simulate",
    "thinned",
    "threads",
    "to_great_tables",
    "to_latex",
    "to_markdown",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used: `import bayeslmm` itself loads next to nothing."""
    if name not in _HOME:
        raise AttributeError(f"module 'bayeslmm' has no attribute '{name}'")
    module = import_module(_HOME[name])
    value = module if name in ("datasets", "compare") else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
