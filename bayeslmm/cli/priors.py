"""Priors as text: `sd=HalfNormal(5)`, `grade=StudentT(3, 0, 2)`, `sd_major[grade]=Exponential(1)`.

Only names of the package's own priors and numbers are read; nothing of the text is run.
"""

import ast
from collections.abc import Iterable
from typing import Any

from bayeslmm.errors import ArgumentError, did_you_mean

EXAMPLE = 'write for example --prior "sd=HalfNormal(5)"'


def priors_of(given: Iterable[str]) -> Any:
    """Read `name=Prior(numbers)` as often as it was given, or once "flat" or "default"; None where nothing was.

    Raises
    ------
    ArgumentError
        It is not written like that, or there is no such prior.
    """
    texts = list(given)
    if len(texts) == 1 and texts[0] in ("flat", "default"):
        return texts[0]
    priors: dict[str, Any] = {}
    for text in texts:
        name, equals, prior = (part.strip() for part in text.partition("="))
        if not (name and equals and prior):
            raise ArgumentError(f"--prior {text}: a name, = and a prior; {EXAMPLE}, or --prior flat alone")
        if name in priors:
            raise ArgumentError(f"--prior {name}: given twice")
        priors[name] = _prior(text, prior)
    return priors or None


def _prior(text: str, written: str) -> Any:
    from bayeslmm.bayes import distributions

    try:
        call = ast.parse(written, mode="eval").body
    except (SyntaxError, ValueError):
        call = None
    if isinstance(call, ast.Name):
        call = ast.Call(call, [], [])
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and all(k.arg for k in call.keywords)):
        raise ArgumentError(f"--prior {text}: `{written}` is no prior; {EXAMPLE}")
    known = [name for name in distributions.__all__ if name[0].isupper()]
    if call.func.id not in known:
        raise ArgumentError(f"--prior {text}: there is no prior `{call.func.id}`{did_you_mean(call.func.id, known)}")
    try:
        numbers = [_number(a) for a in call.args]
        named = {str(k.arg): _number(k.value) for k in call.keywords}
    except ValueError as error:
        raise ArgumentError(f"--prior {text}: the arguments of a prior are numbers; {EXAMPLE}") from error
    try:
        return getattr(distributions, call.func.id)(*numbers, **named)
    except TypeError as error:
        said = str(error).replace(".__init__()", "")
        raise ArgumentError(f"--prior {text}: {said}; {EXAMPLE}") from error


def _number(node: ast.expr) -> float:
    value = ast.literal_eval(node)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError
    return value
