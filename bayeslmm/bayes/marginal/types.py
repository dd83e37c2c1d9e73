"""Numba's types of a `Problem` and of its log density, so that the sampler takes any density by address."""

from numba import types

from bayeslmm.bayes.marginal.problem import Problem
from bayeslmm.likelihood.compiled.plan import Plan

VECTOR, MATRIX = types.Array(types.float64, 1, "C"), types.Array(types.float64, 2, "C")
INTS, TABLE = types.Array(types.int64, 1, "C"), types.Array(types.int64, 2, "C")
PLAN = types.NamedTuple([INTS, TABLE, TABLE, TABLE, TABLE, TABLE, INTS, INTS, INTS, INTS], Plan)
KINDS = {"plan": PLAN, **dict.fromkeys(("S", "T", "corner", "normal", "response", "prior", "lkj"), MATRIX)}
KINDS |= dict.fromkeys(("bound", "code", "member", "key"), INTS) | dict.fromkeys(("row", "block"), TABLE)
PROBLEM = types.NamedTuple([KINDS.get(name, VECTOR) for name in Problem._fields], Problem)
DENSITY = types.float64(PROBLEM, VECTOR, VECTOR)
