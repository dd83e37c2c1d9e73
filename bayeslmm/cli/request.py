"""What `bayeslmm fit` was asked for."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bayeslmm.errors import ArgumentError


@dataclass(frozen=True, slots=True)
class Sampling:
    """Options of the sampler; None leaves a choice to the engine."""

    draws: int
    tune: int | None
    chains: int
    seed: int | None
    target_accept: float | None
    engine: str = "auto"


@dataclass(frozen=True, slots=True)
class Request:
    """One call of `bayeslmm fit`.

    Attributes
    ----------
    formula, data
        As given; `data` is a file or the name of a packaged data set.
    reml, ddf, optimizer, weights, offset, contrasts
        As for `lmer` and `Fit.summary`.
    cluster
        As for `lm`.
    priors
        As for `Model`.
    sampling
        How to sample the posterior; None where it was not asked for.
    out
        The folder to write to, or None.
    json
        Whether stdout is JSON instead of text.
    """

    formula: str
    data: str
    reml: bool = True
    ddf: str = "satterthwaite"
    optimizer: str = "lbfgs"
    weights: str | None = None
    cluster: str | None = None
    offset: str | None = None
    contrasts: dict[str, str] | None = None
    priors: Any = None
    sampling: Sampling | None = None
    out: Path | None = None
    json: bool = False


def contrasts_of(given: Iterable[str]) -> dict[str, str] | None:
    """Read `factor=coding` as often as it was given; None where it was not.

    Raises
    ------
    ArgumentError
        There is no `=` in it.
    """
    pairs = [text.partition("=") for text in given]
    for name, equals, coding in pairs:
        if not (name and equals and coding):
            raise ArgumentError(
                f"--contrasts {name}{equals}{coding}: write factor=coding, for example --contrasts recipe=sum "
                "(treatment, sum, helmert or poly)"
            )
    return {name: coding for name, _, coding in pairs} or None


def output_folder(out: Path) -> Path:
    """Make the folder and see that it can be written to, before any work is done.

    Raises
    ------
    ArgumentError
        It cannot be made or written to.
    """
    probe = out / ".bayeslmm-write-test"
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except FileExistsError as error:
        raise ArgumentError(f"--out {out}: there is a file of that name; give a folder") from error
    except OSError as error:
        raise ArgumentError(
            f"--out {out}: cannot write there ({(error.strerror or str(error)).lower()}); give another folder"
        ) from error
    return out
