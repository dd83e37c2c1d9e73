"""The marginal log density in JAX, for NumPyro: a call back to Python, with its derivative. Importing it is enough."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.dtypes import float0
from pytensor.link.jax.dispatch import jax_funcify

from bayeslmm.bayes.marginal_op import MarginalLogDensity, evaluate


@jax_funcify.register(MarginalLogDensity)
def _in_jax(op: MarginalLogDensity, **_: Any) -> Any:
    return _log_density


def _call(key: Any, factors: Any, sigma: Any, beta: Any) -> Any:
    number = jax.ShapeDtypeStruct((), jnp.float64)
    like = tuple(jax.ShapeDtypeStruct(x.shape, jnp.float64) for x in (factors, beta))
    shapes = number, like[0], number, like[1]
    return jax.pure_callback(_evaluate, shapes, key, factors, sigma, beta, vmap_method="sequential")


def _evaluate(*inputs: Any) -> Any:
    return evaluate(*map(np.asarray, inputs))


_log_density = jax.custom_vjp(_call)


def _forward(*inputs: Any) -> tuple[Any, Any]:
    found = _call(*inputs)
    return found, found[1:]


def _backward(derivatives: Any, cotangents: Any) -> Any:
    return np.zeros((), float0), *(cotangents[0] * g for g in derivatives)


_log_density.defvjp(_forward, _backward)


def value_alone(*inputs: Any) -> Any:
    """The value alone: what JAX differentiates."""
    return _log_density(*inputs)[0]
