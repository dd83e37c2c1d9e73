"""The exception tree and the warnings.

Every error that bayeslmm raises on purpose is a `BayeslmmError`, so that one `except` catches them all; each is
also the built-in exception that fits. A message says what was given, what was expected and what to do.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from numbers import Integral
from pathlib import Path
from typing import Any

PACKAGE = (str(Path(__file__).parent),)  # for `warnings.warn(skip_file_prefixes=...)`: points at the caller's line


class BayeslmmError(Exception):
    """Base class of all errors that bayeslmm raises on purpose."""


class FormulaError(BayeslmmError, ValueError):
    """The formula cannot be read, or asks for something that is not there.

    Parameters
    ----------
    message
        What was given, what was expected, what to do.
    formula
        The whole formula; shown below the message.
    position
        Index of the offending character in `formula`; a caret is drawn below it.
    """

    def __init__(self, message: str, formula: str | None = None, position: int | None = None):
        self.message = message
        self.formula = formula
        self.position = position
        super().__init__(message + _caret(formula, position))


class DataError(BayeslmmError, ValueError):
    """The data do not fit the formula: a missing column, text where numbers are needed, no rows left."""


class ArgumentError(BayeslmmError, ValueError):
    """An argument has a value that the method cannot work with."""


class NotAvailableError(BayeslmmError, NotImplementedError):
    """What was asked for is defined, but bayeslmm does not do it (yet); the message says what does."""


class BayeslmmWarning(UserWarning):
    """Base class of all warnings."""


class DesignWarning(BayeslmmWarning):
    """The design was changed on the way: collinear columns were left out, for example."""


class SingularFitWarning(BayeslmmWarning):
    """The estimate lies on the boundary of the parameter space."""


class ConvergenceWarning(BayeslmmWarning):
    """The optimiser stopped at a point that is not a proven optimum."""


class SamplingWarning(BayeslmmWarning):
    """The posterior draws should not be used without a closer look."""


def did_you_mean(name: str, known: Iterable[object]) -> str:
    """Return "; did you mean `x`?" with the nearest known names, or the known names where none is near."""
    names = [str(k) for k in known]
    lower = {n.lower(): n for n in reversed(names)}
    close = [lower[m] for m in get_close_matches(name.lower(), lower, n=2, cutoff=0.6)]
    if close:
        return "; did you mean " + " or ".join(f"`{c}`" for c in close) + "?"
    if not names:
        return ""
    shown = ", ".join(f"`{n}`" for n in names[:12]) + (", ..." if len(names) > 12 else "")
    return f"; there is {shown}"


def _caret(formula: str | None, position: int | None) -> str:
    if formula is None:
        return ""
    flat = formula.replace("\n", " ").replace("\t", " ")
    line = f"\n    {flat}"
    return line if position is None else f"{line}\n    {' ' * position}^"


def check_choice(name: str, value: object, known: tuple[str, ...]) -> None:
    """Raise ArgumentError unless the argument `name` has one of the `known` values."""
    if not isinstance(value, str) or value not in known:
        near = did_you_mean(str(value), known)
        listed = ", ".join(f'"{k}"' for k in known)
        raise ArgumentError(f"{name}={value!r} is not known{near if near.startswith('; did') else f'; it is {listed}'}")


def check_whole(name: str, value: Any, least: int = 1, verb: str = "") -> None:
    """Raise ArgumentError unless the argument `name` (of `verb`) is a whole number, at least `least`."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        given = f"{verb}({name}={value!r}): {name}" if verb else f"{name}={value!r}"
        raise ArgumentError(f"{given} must be a whole number, at least {least}")


def check_options(options: Iterable[str], known: tuple[str, ...], verb: str, first: str = "formula, data, ") -> None:
    """Raise ArgumentError unless all names of `options` are known; `first` is what the verb takes before them."""
    unknown = [name for name in options if name not in known]
    if unknown:
        near = did_you_mean(unknown[0], known)
        raise ArgumentError(
            f"{verb} has no argument `{unknown[0]}`{near if near.startswith('; did') else ''}; "
            f"it takes {first}{', '.join(known)}"
        )
