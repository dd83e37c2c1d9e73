"""What the user wrote -> arrays: formula, data frame, columns, levels."""

from bayeslmm.design.build import build
from bayeslmm.design.design import Design, FixedTerm, NewRows, NewTerm, RandomTerm
from bayeslmm.design.formula import Formula, parse
from bayeslmm.design.recipe import Recipe
from bayeslmm.design.recode import recode
from bayeslmm.design.response import checked_response

__all__ = [
    "Design",
    "FixedTerm",
    "Formula",
    "NewRows",
    "NewTerm",
    "RandomTerm",
    "Recipe",
    "build",
    "checked_response",
    "parse",
    "recode",
]
