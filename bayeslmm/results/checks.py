"""Arguments that several results take, checked in one way."""

from bayeslmm.errors import ArgumentError


def check_level(level: float) -> float:
    """Return a level that is a probability, or say how to write it."""
    if not 0 < level < 1:
        hint = f"; for {level:g} % write level={level / 100:g}" if 1 < level < 100 else ""
        raise ArgumentError(f"level={level!r} must lie between 0 and 1{hint}")
    return level
