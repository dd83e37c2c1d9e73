"""The vocabulary of priors: what people write. No PyMC here."""

from bayeslmm.bayes.lkj import LKJ, lkj_log_constant
from bayeslmm.bayes.positive_priors import (
    Exponential,
    Gamma,
    HalfCauchy,
    HalfNormal,
    HalfStudentT,
    InverseGamma,
    LogNormal,
    Weibull,
)
from bayeslmm.bayes.prior import Prior
from bayeslmm.bayes.real_priors import (
    Cauchy,
    Flat,
    Laplace,
    Logistic,
    Normal,
    StudentT,
    TruncatedNormal,
    Uniform,
)

__all__ = [
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
    "Prior",
    "StudentT",
    "TruncatedNormal",
    "Uniform",
    "Weibull",
    "lkj_log_constant",
]
