"""Options that belong together are spread into a command's own, and gathered again."""

import inspect
from dataclasses import dataclass

import pytest

from bayeslmm.cli.spread import spread


@dataclass(frozen=True, slots=True)
class Point:
    x: int
    y: int = 2


def test_fields_stand_where_the_group_stood():
    @spread
    def command(first: str, point: Point, last: bool = False) -> None: ...

    parameters = inspect.signature(command).parameters
    assert list(parameters) == ["first", "x", "y", "last"]
    assert [p.default for p in parameters.values()] == [inspect.Parameter.empty, inspect.Parameter.empty, 2, False]
    assert command.__annotations__ == {"first": str, "x": int, "y": int, "last": bool}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    start: Point
    width: float = 1.0


def test_a_group_may_hold_a_group():
    seen = []

    @spread
    def command(line: Line) -> None:
        seen.append(line)

    assert list(inspect.signature(command).parameters) == ["x", "y", "width"]
    command(x=1, y=2, width=3.0)
    assert seen == [Line(start=Point(1, 2), width=3.0)]


def test_the_command_gets_the_group():
    seen = []

    @spread
    def command(point: Point, name: str = "a") -> None:
        seen.append((point, name))

    command(x=1, y=5, name="b")
    assert seen == [(Point(1, 5), "b")]
    with pytest.raises(KeyError):
        command(x=1, name="b")
