"""Options that belong together, as one parameter of a command.

A command whose parameter is annotated with a frozen dataclass has an option for each of its fields:

    @dataclass(frozen=True, slots=True)
    class Source:
        formula: options.Formula
        data: options.Data

    @spread
    def check(source: Source, json: options.Json = False) -> None: ...
"""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields, is_dataclass
from functools import wraps
from typing import Any


def spread(command: Callable[..., None]) -> Callable[..., None]:
    """Return the command with its dataclasses spread into their fields, in their place."""
    own = inspect.signature(command).parameters.values()
    parameters = [p for parameter in own for p in _spread(parameter)]

    @wraps(command)
    def run(**given: Any) -> None:
        command(**{p.name: _gathered(p, given) for p in own})

    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in parameters}
    return run


def _spread(parameter: inspect.Parameter) -> Iterator[inspect.Parameter]:
    if not is_dataclass(parameter.annotation):
        yield parameter.replace(kind=parameter.KEYWORD_ONLY)
        return
    for field in fields(parameter.annotation):
        default = parameter.empty if field.default is MISSING else field.default
        yield inspect.Parameter(field.name, parameter.KEYWORD_ONLY, default=default, annotation=field.type)


def _gathered(parameter: inspect.Parameter, given: dict[str, Any]) -> Any:
    if not is_dataclass(parameter.annotation):
        return given[parameter.name]
    return parameter.annotation(**{f.name: given[f.name] for f in fields(parameter.annotation)})  # type: ignore[operator]
