"""The designs that `blm.power` goes through: all combinations of what the grid holds."""

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from bayeslmm.errors import ArgumentError
from bayeslmm.planning.power_table import MEASURES

COLUMNS = ("test", "true", "bias", "sd", "df", "n", "failed", "singular", "n_rows")


def cells(
    design: Any, grid: Mapping[str, Sequence[Any]] | None
) -> Iterator[tuple[dict[str, Any], Callable[[int], Any]]]:
    """Each combination of sizes, and how its data frame is made from a seed."""
    if not callable(design):
        if grid:
            raise ArgumentError(
                "power: a grid needs a function as design, such as lambda subject: blm.crossed(subject=subject, item=8)"
            )
        yield {}, lambda seed: design
        return
    grid = grid or {}
    _check_grid(grid, design)
    seeded = "seed" in inspect.signature(design).parameters
    for values in product(*grid.values()):
        sizes = dict(zip(grid, values, strict=True))
        yield sizes, _made(design, sizes, seeded)


def _made(design: Callable[..., Any], sizes: dict[str, Any], seeded: bool) -> Callable[[int], Any]:
    return lambda seed: design(**sizes, seed=seed) if seeded else design(**sizes)


def _check_grid(grid: Mapping[str, Sequence[Any]], design: Callable[..., Any]) -> None:
    """Raise ArgumentError unless the function takes what is in the grid, and the result can have it as columns."""
    if not isinstance(grid, Mapping) or not all(map(_is_list, grid.values())):
        raise ArgumentError('power: the grid has lists of values, such as {"subject": [10, 20, 40]}')
    wanted = inspect.signature(design).parameters
    variable = any(p.kind is p.VAR_KEYWORD for p in wanted.values())
    known = [name for name in wanted if name != "seed"]
    unknown = [name for name in grid if name not in known and not variable]
    absent = [p.name for p in wanted.values() if p.name in known and p.default is p.empty and p.name not in grid]
    absent = [
        name for name in absent if wanted[name].kind in (wanted[name].POSITIONAL_OR_KEYWORD, wanted[name].KEYWORD_ONLY)
    ]
    if unknown or absent:
        problem = f"does not take `{unknown[0]}`" if unknown else f"needs `{absent[0]}`, which the grid does not have"
        has = f"the grid has {', '.join(grid)}" if grid else f'add grid={{"{absent[0]}": [10, 20]}}'
        raise ArgumentError(f"power: the function that makes the design {problem}; {has}")
    taken = [name for name in grid if name in COLUMNS or name.removesuffix("_lower").removesuffix("_upper") in MEASURES]
    if taken:
        raise ArgumentError(
            f"power: `{taken[0]}` is a column of the result; call the argument of the function otherwise"
        )


def _is_list(values: Any) -> bool:
    return isinstance(values, Collection) and not isinstance(values, str) and len(values) > 0
