"""Signatures of the functions that other compiled code calls by address.

A function that is linked into another one is optimised once more as a part of it, which took most of the time to
compile. `prepared` compiles one for its signature, so that any function of a type can be given where it is expected.
"""

from typing import Any

from numba import types

from bayeslmm.likelihood.compiled.plan import Plan

VECTOR, MATRIX = types.Array(types.float64, 1, "C"), types.Array(types.float64, 2, "C")
INTS, TABLE = types.Array(types.int64, 1, "C"), types.Array(types.int64, 2, "C")
PLAN = types.NamedTuple([INTS, TABLE, TABLE, TABLE, TABLE, TABLE, INTS, INTS, INTS, INTS], Plan)
PARTS = types.UniTuple(types.float64, 3)

EVALUATE = PARTS(
    PLAN, VECTOR, VECTOR, VECTOR, VECTOR, MATRIX, MATRIX, VECTOR, types.float64, types.float64,
    VECTOR, VECTOR, VECTOR, VECTOR,
)  # fmt: skip
GRADIENT_ARGUMENTS = (PLAN, VECTOR, VECTOR, VECTOR, VECTOR, MATRIX, VECTOR, types.float64, *[VECTOR] * 4)
ELIMINATE = types.float64(PLAN, VECTOR, VECTOR, VECTOR, MATRIX)
CONDITIONAL_DRAW = PARTS(
    types.FunctionType(ELIMINATE), PLAN, VECTOR, VECTOR, VECTOR, MATRIX, types.float64, VECTOR, VECTOR, VECTOR, VECTOR
)


def prepared(function: Any, signature: Any) -> Any:
    """The compiled function, with this signature and no other."""
    if not function.nopython_signatures:
        function.compile(tuple(signature.args))  # the key on disk of a function compiled as a part of another
        function.disable_compile()
    return function
