"""The compiled functions of the sampler, each compiled for its signature alone, and given to others by address."""

from functools import cache
from time import monotonic, sleep
from typing import Any, NamedTuple

from numba import types

from bayeslmm.bayes.marginal.callback import by_python
from bayeslmm.bayes.marginal.density import draw_all, log_posterior
from bayeslmm.bayes.marginal.nuts import advance
from bayeslmm.bayes.marginal.problem import Problem
from bayeslmm.likelihood.background import start
from bayeslmm.likelihood.compiled.derivative import gradient
from bayeslmm.likelihood.compiled.draws import conditional_draw
from bayeslmm.likelihood.compiled.elimination import eliminate
from bayeslmm.likelihood.compiled.signatures import (
    CONDITIONAL_DRAW,
    ELIMINATE,
    EVALUATE,
    GRADIENT_ARGUMENTS,
    INTS,
    MATRIX,
    PLAN,
    TABLE,
    VECTOR,
    prepared,
)
from bayeslmm.likelihood.compiled.whole import evaluate
from bayeslmm.likelihood.policy import is_kept

_KINDS = {"plan": PLAN, **dict.fromkeys(("S", "T", "corner", "normal", "response", "prior", "lkj"), MATRIX)}
_KINDS |= dict.fromkeys(("bound", "code", "member", "key"), INTS) | dict.fromkeys(("row", "block"), TABLE)
PROBLEM = types.NamedTuple([_KINDS.get(name, VECTOR) for name in Problem._fields], Problem)
BY = types.FunctionType(EVALUATE)
DENSITY = types.float64(BY, PROBLEM, VECTOR, VECTOR)
SEEDS = types.Array(types.uint64, 1, "C")
ADVANCE = types.void(
    types.FunctionType(DENSITY), BY, PROBLEM, VECTOR, MATRIX, MATRIX, SEEDS, VECTOR, VECTOR, types.float64,
    types.boolean, MATRIX, MATRIX,
)  # fmt: skip
DRAW_ALL = types.boolean(types.FunctionType(CONDITIONAL_DRAW), types.FunctionType(ELIMINATE), PROBLEM, *[MATRIX] * 6)


class Loops(NamedTuple):
    """Compiled, and ready to be called or given by address."""

    evaluate: Any
    eliminate: Any
    conditional_draw: Any
    log_posterior: Any
    advance: Any
    draw_all: Any


ON_DISK = (
    ("likelihood/compiled", "whole.evaluate"),
    ("likelihood/compiled", "draws.conditional_draw"),
    ("bayes/marginal", "density.log_posterior"),
    ("bayes/marginal", "density.draw_all"),
    ("bayes/marginal", "nuts.advance"),
)
GRADIENT = ("likelihood/compiled", "derivative.gradient")
WAIT = 60.0  # seconds, for the other process


@cache
def loops() -> Loops:
    """All loops; compiled now by two processes, unless they are on disk."""
    if not are_on_disk():
        _compile_together()
    return compile_all()


def compile_all() -> Loops:
    """All loops, compiled by this process unless they are on disk."""
    return Loops(
        prepared(evaluate, EVALUATE),
        prepared(eliminate, ELIMINATE),
        prepared(conditional_draw, CONDITIONAL_DRAW),
        prepared(log_posterior, DENSITY),
        prepared(advance, ADVANCE),
        prepared(draw_all, DRAW_ALL),
    )


def are_on_disk() -> bool:
    """Whether all loops were kept by an earlier process (a guess that costs only time)."""
    return all(is_kept(*name) for name in ON_DISK)


def _compile_together() -> None:
    """Compile one half while another process compiles the other and leaves it on disk; what it does not, we do."""
    other = start("half")
    if other is None:
        return
    prepared(eliminate, ELIMINATE)
    prepared(conditional_draw, CONDITIONAL_DRAW)
    prepared(draw_all, DRAW_ALL)
    for name in (GRADIENT, *ON_DISK[2:]):
        if name == ON_DISK[2]:
            prepared(evaluate, EVALUATE)
        started = monotonic()
        while not is_kept(*name) and other.poll() is None and monotonic() - started < WAIT:
            sleep(0.05)


def compile_half() -> None:
    """What the other process does."""
    gradient.compile(tuple(GRADIENT_ARGUMENTS))
    prepared(log_posterior, DENSITY)
    prepared(advance, ADVANCE)


@cache
def python_density() -> Any:
    """The density that is a Python function."""
    return prepared(by_python, DENSITY)
