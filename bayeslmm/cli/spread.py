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
    """Return the command with its dataclasses, and those within them, spread into their fields, in their place."""
    own = inspect.signature(command).parameters.values()
    parameters = [p for parameter in own for p in _spread(parameter.name, parameter.annotation, parameter.default)]

    @wraps(command)
    def run(**given: Any) -> None:
        command(**{p.name: _gathered(p.name, p.annotation, given) for p in own})

    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in parameters}
    return run


def _spread(name: str, annotation: Any, default: Any) -> Iterator[inspect.Parameter]:
    if not is_dataclass(annotation):
        yield inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        return
    for field in fields(annotation):
        own = inspect.Parameter.empty if field.default is MISSING else field.default
        yield from _spread(field.name, field.type, own)


def _gathered(name: str, annotation: Any, given: dict[str, Any]) -> Any:
    if not is_dataclass(annotation):
        return given[name]
    return annotation(**{f.name: _gathered(f.name, f.type, given) for f in fields(annotation)})  # type: ignore[operator]
