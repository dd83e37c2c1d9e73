"""The names that a formula may call: this fixed set, and what the user adds with `functions=`.

A `Plain` function maps values to a value. A `Learning` one first learns from the fitted data (see `transforms`);
what it learned is kept and applied to new data.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from bayeslmm.design import transforms
from bayeslmm.design.levels import label
from bayeslmm.design.values import Factor, Logical, Numeric, Value, as_factor, text_factor
from bayeslmm.errors import DataError

type Operand = Value | float | bool | str | tuple[float | str | bool, ...] | None


@dataclass(frozen=True, slots=True)
class Plain:
    """A function of values, the same for fitted and new data."""

    call: Callable[..., Operand]


@dataclass(frozen=True, slots=True)
class Learning:
    """A function that learns: `learn(x (n,), options...)` returns what is then applied to x."""

    learn: Callable[..., transforms.Transform]


@dataclass(frozen=True, slots=True)
class Users:
    """A function that the user gave; it gets arrays and returns an array (n,) or (n, k)."""

    call: Callable[..., Any]


type Function = Plain | Learning | Users


def numbers(value: Operand) -> np.ndarray | float:
    """Return the value as numbers, logicals as 0 and 1.

    Raises
    ------
    DataError
        For text and factors.
    """
    match value:
        case Numeric(values) | Logical(values):
            return values
        case bool() | int() | float():
            return float(value)
        case Factor(kind="date"):
            raise DataError("holds dates; turn them into numbers in the data first (days since a start, say)")
        case Factor(kind="text", levels=levels):
            shown = ", ".join(f'"{s}"' for s in levels[:3])
            raise DataError(f"holds text ({shown}{', ...' if len(levels) > 3 else ''}) where numbers are needed")
        case Factor():
            raise DataError("is a factor where numbers are needed; as.numeric() gives the positions of its levels")
        case str():
            raise DataError(f'is the text "{value}" where a number is needed')
        case tuple():
            raise DataError("is a vector c(...) where one number or a column is needed")
    raise DataError("is NULL where a number is needed")


def wrap(result: np.ndarray | float) -> Operand:
    """Return an array as a value, one number as itself."""
    array = np.asarray(result)
    if array.ndim == 0:
        return bool(array) if array.dtype == bool else float(array)
    return Numeric(array.astype(float, copy=False))


def truth(values: np.ndarray | bool, missing: np.ndarray | bool) -> Operand:
    """Return truth values (n,), NaN where something was missing."""
    result = np.where(missing, np.nan, np.asarray(values, dtype=float))
    return bool(result) if result.ndim == 0 else Logical(result)


def _elementwise(ufunc: Callable[..., np.ndarray]) -> Plain:
    def call(x: Operand) -> Operand:
        with np.errstate(all="ignore"):
            return wrap(ufunc(numbers(x)))

    return Plain(call)


def _log(x: Operand, base: Operand = None) -> Operand:
    with np.errstate(all="ignore"):
        result = np.log(numbers(x))
        return wrap(result if base is None else result / np.log(numbers(base)))


def _round(x: Operand, digits: float = 0.0) -> Operand:
    return wrap(np.round(numbers(x), int(digits)))


def _signif(x: Operand, digits: float = 6.0) -> Operand:
    values = np.asarray(numbers(x))
    with np.errstate(all="ignore"):
        size = np.where(values == 0, 1.0, 10.0 ** (digits - 1 - np.floor(np.log10(np.abs(values)))))
    return wrap(np.round(values * size) / size)


def _extreme(ufunc: np.ufunc) -> Plain:
    def call(*x: Operand) -> Operand:
        if not x:
            raise TypeError("give at least one argument")
        return wrap(ufunc.reduce(np.broadcast_arrays(*(numbers(v) for v in x)), axis=0))

    return Plain(call)


def _identity(x: Operand) -> Operand:
    return x


def _value(x: Operand) -> Value:
    if isinstance(x, Numeric | Logical | Factor):
        return x
    raise DataError("is one constant where a column is needed")


def _factor(x: Operand, levels: Operand = None, labels: Operand = None, ordered: Operand = None) -> Operand:
    value = as_factor(_value(x)).drop_unused()
    if levels is not None:
        value = value.recode([label(v) for v in _items(levels)])
    if labels is not None:
        names = [label(v) for v in _items(labels)]
        if len(names) != len(value.levels):
            raise DataError(f"gets {len(names)} labels for {len(value.levels)} levels")
        unique = tuple(dict.fromkeys(names))
        table = np.array([unique.index(s) for s in names] + [-1], dtype=np.int64)
        value = Factor(table[value.codes], unique, value.ordered)
    return Factor(value.codes, value.levels, value.ordered if ordered is None else bool(ordered))


def _ordered(x: Operand, levels: Operand = None, labels: Operand = None) -> Operand:
    return _factor(x, levels, labels, True)


def _relevel(x: Operand, ref: str) -> Operand:
    value = as_factor(_value(x))
    if label(ref) not in value.levels:
        raise DataError(f'has no level "{label(ref)}"; there is {", ".join(value.levels)}')
    levels = [label(ref)] + [s for s in value.levels if s != label(ref)]
    return Factor(value.recode(levels).codes, tuple(levels), value.ordered)


def _interaction(*x: Operand) -> Operand:
    factors = [as_factor(_value(v)) for v in x]
    first, *rest = factors
    codes, names = first.codes, list(first.levels)
    for other in rest:
        missing = (codes < 0) | other.missing
        codes = np.where(missing, -1, codes + len(names) * other.codes)
        names = [f"{a}.{b}" for b in other.levels for a in names]
    return Factor(codes, tuple(names)).drop_unused()


def _as_numeric(x: Operand) -> Operand:
    if isinstance(x, Factor) and x.kind == "text":
        try:
            parsed = np.array([*(float(s) for s in x.levels), np.nan])
        except ValueError:
            numbers(x)
            raise
        return Numeric(parsed[x.codes])
    if isinstance(x, Factor) and x.kind == "factor":
        return Numeric(np.where(x.missing, np.nan, x.codes + 1.0))
    return wrap(numbers(x))


def _as_integer(x: Operand) -> Operand:
    return wrap(np.trunc(numbers(_as_numeric(x))))


def _as_logical(x: Operand) -> Operand:
    values = np.asarray(numbers(x))
    return truth(values != 0, np.isnan(values))


def _as_character(x: Operand) -> Operand:
    return text_factor(as_factor(_value(x)).labels())


def _ifelse(test: Operand, yes: Operand, no: Operand) -> Operand:
    condition = np.asarray(numbers(test))
    if isinstance(yes, str | Factor) or isinstance(no, str | Factor):
        pair = [v.labels() if isinstance(v, Factor) else v for v in (yes, no)]
        chosen = np.where(condition != 0, *(np.asarray(v, dtype=object) for v in pair))
        chosen[np.isnan(condition)] = None
        return text_factor(chosen)
    return wrap(np.where(np.isnan(condition), np.nan, np.where(condition != 0, numbers(yes), numbers(no))))


def _is_na(x: Operand) -> Operand:
    missing = _value(x).missing
    return Logical(missing.astype(float))


def _c(*items: Operand) -> Operand:
    if not all(isinstance(v, bool | int | float | str) for v in items):
        raise DataError("holds constants only, such as c(1, 2, 3)")
    return tuple(items)  # type: ignore[arg-type]


def _items(value: Operand) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _center(x: np.ndarray) -> transforms.Scale:
    return transforms.learn_scale(x, True, False)


def _summary(function: Callable[[np.ndarray], float]) -> Learning:
    def learn(x: np.ndarray, na_rm: bool = True) -> transforms.Constant:
        return transforms.Constant(float(function(x[~np.isnan(x)])))

    return Learning(learn)


def _sd(x: np.ndarray) -> float:
    return float(np.std(x, ddof=1))


BUILT_IN: Mapping[str, Function] = MappingProxyType(
    {
        name: _elementwise(ufunc)
        for name, ufunc in {
            "log2": np.log2,
            "log10": np.log10,
            "log1p": np.log1p,
            "exp": np.exp,
            "expm1": np.expm1,
            "sqrt": np.sqrt,
            "abs": np.abs,
            "sign": np.sign,
            "sin": np.sin,
            "cos": np.cos,
            "tan": np.tan,
            "asin": np.arcsin,
            "acos": np.arccos,
            "atan": np.arctan,
            "sinh": np.sinh,
            "cosh": np.cosh,
            "tanh": np.tanh,
            "floor": np.floor,
            "ceiling": np.ceil,
            "trunc": np.trunc,
        }.items()
    }
    | {
        "log": Plain(_log),
        "round": Plain(_round),
        "signif": Plain(_signif),
        "pmin": _extreme(np.minimum),
        "pmax": _extreme(np.maximum),
        "I": Plain(_identity),
        "offset": Plain(_identity),
        "factor": Plain(_factor),
        "as.factor": Plain(lambda x: as_factor(_value(x))),
        "ordered": Plain(_ordered),
        "as.ordered": Plain(_ordered),
        "relevel": Plain(_relevel),
        "interaction": Plain(_interaction),
        "as.numeric": Plain(_as_numeric),
        "as.double": Plain(_as_numeric),
        "as.integer": Plain(_as_integer),
        "as.logical": Plain(_as_logical),
        "as.character": Plain(_as_character),
        "ifelse": Plain(_ifelse),
        "is.na": Plain(_is_na),
        "c": Plain(_c),
        "poly": Learning(transforms.learn_poly),
        "bs": Learning(transforms.learn_bs),
        "ns": Learning(transforms.learn_ns),
        "scale": Learning(transforms.learn_scale),
        "center": Learning(_center),
        "mean": _summary(np.mean),
        "median": _summary(np.median),
        "sd": _summary(_sd),
        "min": _summary(np.min),
        "max": _summary(np.max),
    }
)
