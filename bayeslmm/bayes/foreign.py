"""Priors of other libraries: PyMC's distributions, and PreliZ's, which can be turned into PyMC's.

A distribution that the vocabulary has is taken into it, its parameters evaluated. Any other distribution of one number
is kept as it is, a `ForeignPrior`, with PyMC's own log density and random numbers. What is neither is refused.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, cast

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
from pymc.distributions.shape_utils import change_dist_size
from pymc.distributions.transforms import CircularTransform, _default_transform
from pymc.logprob.utils import ParameterValueError
from pymc.printing import str_for_dist
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.basic import Constant
from pytensor.graph.replace import clone_replace, vectorize_graph
from pytensor.graph.traversal import ancestors
from pytensor.scalar.basic import Reciprocal
from pytensor.tensor.random.type import RandomGeneratorType
from pytensor.tensor.variable import TensorVariable

from bayeslmm.bayes import distributions as blm
from bayeslmm.bayes.codes import FOREIGN
from bayeslmm.bayes.prior import REAL, Prior, Size, Support
from bayeslmm.errors import ArgumentError

PLAIN = pytensor.compile.mode.Mode("py", optimizer=cast(Any, None))  # nothing is compiled for a few numbers
FAR = 1e3  # where every transform has arrived at its bounds
DRAWS = 20_000


@dataclass(frozen=True, slots=True)
class ForeignPrior(Prior):
    """A distribution of one number that PyMC has and the vocabulary has not.

    Attributes
    ----------
    dist
        What `pm.SkewNormal.dist(...)` and its like return.
    """

    dist: Any
    code: ClassVar[int] = FOREIGN

    def __post_init__(self) -> None:
        """Nothing to check: `as_prior` has."""

    @property
    def support(self) -> Support:
        """Bounds of PyMC's own transform of it."""
        return _support(self.dist)

    @property
    def sd(self) -> float:
        """Standard deviation, of 20,000 random numbers; NaN without any."""
        try:
            return float(self.draw(np.random.default_rng(0), DRAWS).std(ddof=1))
        except ArgumentError:
            return np.nan

    def slope(self, x: np.ndarray | float) -> np.ndarray:
        """Derivative of the log density at x (...)."""
        x = np.asarray(x, dtype=float)
        return _density(self.dist)(x.ravel())[1].reshape(x.shape)

    def draw(self, rng: np.random.Generator, size: Size) -> np.ndarray:
        """Random numbers of this size."""
        shape = (size,) if isinstance(size, int | np.integer) else tuple(size)
        many = change_dist_size(self.dist, shape)
        try:
            return np.asarray(pm.draw(many, random_seed=int(rng.integers(2**31)), mode=PLAIN), dtype=float)
        except NotImplementedError as error:
            raise ArgumentError(f"{self} has no random numbers; give pm.CustomDist.dist its `random`") from error

    def variable(self, size: tuple[int, ...]) -> Any:
        """A random variable of this distribution and size, with a generator of its own."""
        many = change_dist_size(self.dist, size)
        generators = [v for v in ancestors([many]) if isinstance(v.type, RandomGeneratorType) and v.owner is None]
        return clone_replace(many, {g: pytensor.shared(np.random.default_rng()) for g in generators})

    def _logp(self, x: np.ndarray) -> np.ndarray:
        return _density(self.dist)(x.ravel())[0].reshape(x.shape)

    def __str__(self) -> str:
        return _text(self.dist)

    __repr__ = __str__


def as_prior(given: Any, key: str) -> tuple[Prior, int | None]:
    """The prior that a distribution of PyMC or PreliZ is.

    Parameters
    ----------
    given
        What a user wrote.
    key
        The name it was given for.

    Returns
    -------
    prior, n
        The prior; and, for `pm.LKJCorr`, the size of its matrices.

    Raises
    ------
    ArgumentError
        It is not a distribution of one number, or depends on other random variables.
    """
    where = f"priors: `{key}`"
    dist = _from_preliz(given, where) if type(given).__module__.split(".")[0] == "preliz" else given
    if not isinstance(dist, TensorVariable) or not hasattr(dist.owner and dist.owner.op, "ndim_supp"):
        raise ArgumentError(
            f"{where}: {given!r} is not a distribution; give a prior of blm or what pm.Gamma.dist(2, 0.1) returns"
        )
    kind = type(dist.owner.op).__name__
    if kind == "LKJCorrRV":
        n, eta = _numbers(dist, where)
        return blm.LKJ(eta), int(n)
    _check_shape(dist, kind, where)
    own = type(dist.owner.op).__module__.split(".")[0] in ("pymc", "pytensor")
    if own and kind in VOCABULARY:
        found = VOCABULARY[kind](*_numbers(dist, where))
        if found is not None:
            return found, None
    return _checked(ForeignPrior(dist), where), None


def _from_preliz(given: Any, where: str) -> Any:
    try:
        return given.to_pymc()
    except Exception as error:
        raise ArgumentError(
            f"{where}: PreliZ's {type(given).__name__} has no parameters yet, or PyMC has no such distribution "
            f"({error}); use a prior of blm"
        ) from error


def _check_shape(dist: Any, kind: str, where: str) -> None:
    text = _text(dist)
    if kind.startswith("_LKJCholeskyCov"):
        raise ArgumentError(
            f"{where}: {text} is a prior of sds and correlations together; give the sds theirs as `sd` and the "
            "correlations blm.LKJ(eta) as `cor`"
        )
    if dist.owner.op.ndim_supp or dist.ndim:
        raise ArgumentError(
            f"{where}: {text} is a distribution of {'vectors' if dist.ndim < 2 else 'matrices'}; each parameter has a "
            "prior of its own, a distribution of one number"
        )
    if dist.dtype.startswith(("int", "uint", "bool")):
        raise ArgumentError(f"{where}: {text} has whole numbers only; the parameters are continuous")
    if kind.startswith("Censored"):
        raise ArgumentError(f"{where}: {text} has single points that are probable, and no density there")
    if kind == "HalfFlatRV" and not where.startswith(("priors: `sd", "priors: `sigma")):
        raise ArgumentError(f"{where}: {text} is no distribution; use blm.HalfNormal with a large sigma, or blm.Flat()")


def _checked(prior: ForeignPrior, where: str) -> ForeignPrior:
    """The prior, if it has a density where it has draws."""
    try:
        x = _some(prior)
        fine = np.isfinite(prior.logp(x)).all()
    except (ParameterValueError, ValueError, NotImplementedError, TypeError) as error:
        said = str(error).splitlines()[0]
        raise ArgumentError(f"{where}: {prior} has no density that can be used: {said}") from error
    if not fine:
        raise ArgumentError(f"{where}: {prior} has a density that is not a number where it has draws")
    return prior


def _some(prior: ForeignPrior) -> np.ndarray:
    """A few numbers that it allows."""
    try:
        return prior.draw(np.random.default_rng(0), 3)
    except ArgumentError:
        lower, upper = np.clip(prior.support, -1.0, 1.0)
        return np.array([(lower + upper) / 2])


# -- parameters and densities --------------------------------------------------------------------------------------


def _numbers(dist: Any, where: str) -> list[float]:
    """The parameters of a distribution of one number."""
    parameters = dist.owner.op.dist_params(dist.owner)
    for p in parameters:
        _check_fixed(p, f"{where}: {_text(dist)}")
    return [_value(p) for p in parameters]


def _text(dist: Any) -> str:
    """The distribution as PyMC prints it, if it can."""
    try:
        return f"pm.{str_for_dist(dist)}"
    except AttributeError:
        return f"pm.{dist.owner.op._print_name[0]}"


def _check_fixed(x: Any, what: str, free: Any = None) -> None:
    if any(isinstance(v.type, RandomGeneratorType) for v in ancestors([x])):
        raise ArgumentError(f"{what} depends on another random variable; give numbers for its parameters")
    loose = [v for v in ancestors([x]) if v.owner is None and not isinstance(v, Constant | SharedVariable)]
    if loose and loose != [free]:
        raise ArgumentError(f"{what} depends on `{loose[0]}`, which has no value; give numbers for its parameters")


def _value(x: Any) -> float:
    """Value of a parameter. PyTensor takes one over a whole number in single precision; here it is double."""
    if x.owner and isinstance(getattr(x.owner.op, "scalar_op", None), Reciprocal):
        return float(np.divide(1.0, _value(x.owner.inputs[0])))
    return float(x.eval(mode=PLAIN))


def _support(dist: Any) -> Support:
    transform = _default_transform(dist.owner.op, dist)
    if transform is None:
        return REAL
    if isinstance(transform, CircularTransform):
        return -np.pi, np.pi
    lower, upper = (_value(transform.backward(pt.constant(v), *dist.owner.inputs)) for v in (-FAR, FAR))
    return lower, upper


@lru_cache(maxsize=64)
def _density(dist: Any) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Log density and its derivative at x (m,)."""
    one, x = pt.scalar("x", dtype="float64"), pt.vector("x", dtype="float64")
    logp = pm.logp(dist, one)
    _check_fixed(logp, _text(dist), free=one)
    many = [vectorize_graph(v, {one: x}) for v in (logp, cast(Any, pytensor.grad(logp, one)))]
    return pytensor.function([x], many, mode=PLAIN)


# -- what the vocabulary has ---------------------------------------------------------------------------------------
# by the class of PyMC's random variable, whose parameters are not always those of its `dist`


def _truncated(mu: float, sigma: float, lower: float, upper: float) -> Prior:
    return blm.TruncatedNormal(mu, sigma, *(None if np.isinf(v) else v for v in (lower, upper)))


def _rate(scale: float) -> float:
    """One over a scale that was one over a rate: its 15 digits."""
    return float(f"{1 / scale:.15g}") if np.isfinite(scale) and scale else np.nan


VOCABULARY: dict[str, Callable[..., Prior | None]] = {
    "NormalRV": blm.Normal,
    "StudentTRV": blm.StudentT,
    "CauchyRV": blm.Cauchy,
    "LaplaceRV": blm.Laplace,
    "LogisticRV": blm.Logistic,
    "UniformRV": blm.Uniform,
    "TruncatedNormalRV": _truncated,
    "FlatRV": blm.Flat,
    "HalfFlatRV": blm.Flat,
    "HalfNormalRV": lambda centre, sigma: blm.HalfNormal(sigma) if centre == 0 else None,
    "HalfStudentTRV": blm.HalfStudentT,
    "HalfCauchyRV": blm.HalfCauchy,
    "ExponentialRV": lambda scale: blm.Exponential(_rate(scale)),
    "GammaRV": lambda shape, scale: blm.Gamma(shape, _rate(scale)),
    "InvGammaRV": blm.InverseGamma,
    "WeibullBetaRV": blm.Weibull,
    "LogNormalRV": blm.LogNormal,
}
