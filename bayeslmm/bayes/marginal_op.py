"""log p(y | C, sigma, beta_s) as a PyTensor Op: `Integrated` for PyMC, NumPyro and everything else that is compiled.

The gradient is three more outputs of the same node, so that it costs no second evaluation. The data are an input, a
number that names them: compiled code has none in it, and what is on disk serves any model of the same form. The numbers
come from a call of Python, which costs 20 us beside the likelihood; each thread works on a copy of its own.
"""

import sys
from collections.abc import Sequence
from itertools import count
from typing import Any
from weakref import WeakValueDictionary

import numba
import numpy as np
import pytensor
import pytensor.tensor as pt
from pytensor.gradient import DisconnectedType, disconnected_type
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch.basic import (
    get_numba_type,
    numba_njit,
    register_funcify_default_op_cache_key,
)

from bayeslmm.bayes.integrated import Integrated
from bayeslmm.bayes.marginal.density import log_likelihood_at
from bayeslmm.bayes.marginal.target import Target
from bayeslmm.bayes.priors import Priors
from bayeslmm.design import Design

Numbers = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


class Data:
    """One model's data, under a number by which compiled code finds them; ready for any number of threads.

    Parameters
    ----------
    design, priors
        The arrays, and the priors that say which coefficients are integrated out.
    """

    def __init__(self, design: Design, priors: Priors):
        self.integrated = Integrated.of(design, priors)
        self.terms = design.terms
        self.free: list[Target] = []
        self.key = next(_KEYS)
        _DATA[self.key] = self

    def value_and_gradient(self, factors: np.ndarray, sigma: float, beta: np.ndarray) -> Numbers:
        """What `Integrated` gives; -inf and NaN where the numbers are too large to factorise."""
        try:
            target = self.free.pop()
        except IndexError:
            target = Target.of(self.integrated.copy(), self.terms)
        try:
            value, by_factors, by_sigma, by_beta = _found(target, factors, sigma, beta)
        except np.linalg.LinAlgError:
            value = -np.inf
        finally:
            self.free.append(target)
        if not np.isfinite(value):
            return np.array(-np.inf), np.full(factors.shape, np.nan), np.array(np.nan), np.full(beta.shape, np.nan)
        return np.array(value), by_factors, np.array(by_sigma), by_beta


def _found(
    target: Target, factors: np.ndarray, sigma: float, beta: np.ndarray
) -> tuple[float, np.ndarray, float, np.ndarray]:
    factors, beta = np.ascontiguousarray(factors), np.ascontiguousarray(beta)
    if not sigma > 0 or not np.isfinite(factors).all():
        raise np.linalg.LinAlgError("not the parameters of a distribution")
    if not target.is_small:
        return target.integrated.value_and_gradient(factors, sigma, beta)
    problem = target.problem
    value, by_sigma = log_likelihood_at(problem, factors, sigma, beta)
    return value, problem.dC.copy(), by_sigma, problem.d_beta.copy()


_KEYS = count(1)
_DATA: WeakValueDictionary[int, Data] = WeakValueDictionary()


def evaluate(key: Any, factors: np.ndarray, sigma: Any, beta: np.ndarray) -> Numbers:
    """Value and gradient of the data under this number."""
    with np.errstate(all="ignore"):
        return _DATA[int(key)].value_and_gradient(factors, float(sigma), beta)


class MarginalLogDensity(Op):
    """(key, factors (sum of k^2,), sigma, beta_s) -> log p(y) and its derivatives by the last three."""

    __props__ = ()

    def make_node(self, *inputs: Any) -> Apply:
        """A node for (key, factors, sigma, beta_s)."""
        key, factors, sigma, beta = map(pt.as_tensor, inputs)
        factors, sigma, beta = (pt.cast(x, "float64") for x in (factors, sigma, beta))
        return Apply(self, [key, factors, sigma, beta], [pt.dscalar(), factors.type(), pt.dscalar(), beta.type()])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        """Evaluate in Python."""
        for storage, found in zip(output_storage, evaluate(*inputs), strict=True):
            storage[0] = found

    def infer_shape(self, node: Apply, shapes: Sequence[Any]) -> list[Any]:
        """Shapes of the outputs."""
        return [(), shapes[1], (), shapes[3]]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        """Only the value can be differentiated, and not by the number of the data."""
        return [[False] * 4, *([True, False, False, False] for _ in range(3))]

    def pullback(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], cotangents: Sequence[Any]
    ) -> list[Variable]:
        """The value's cotangent times the derivatives."""
        if isinstance(cotangents[0].type, DisconnectedType):
            return [disconnected_type() for _ in inputs]
        return [disconnected_type(), *(cotangents[0] * g for g in outputs[1:])]


@register_funcify_default_op_cache_key(MarginalLogDensity)
def _in_numba(op: MarginalLogDensity, node: Apply, **_: Any) -> Any:
    result = numba.types.Tuple([get_numba_type(o.type) for o in node.outputs])

    @numba_njit
    def log_density(key, factors, sigma, beta):  # type: ignore[no-untyped-def]
        with numba.objmode(found=result):
            found = evaluate(key, factors, sigma, beta)
        return found  # noqa: RET504

    return log_density


def log_density(data: Data, factors: Any, sigma: Any, beta: Any) -> Any:
    """The log density as a scalar expression of factors (sum of k^2,), sigma and beta_s (K - 1,)."""
    if "jax" in sys.modules:
        import bayeslmm.bayes.marginal_jax  # noqa: F401

    key = pytensor.shared(np.int64(data.key), name="y_data")
    key.tag.data = data  # whoever holds the expression or its compiled form holds this
    return MarginalLogDensity().make_node(key, factors, sigma, beta).outputs[0]
