"""What is done, unasked but announced, about draws of the marginal engine that cannot be used: one more run.

The sampler's defaults (a warm-up of 200 draws, an acceptance rate of 0.9) serve nearly all posteriors. Where they do
not, a longer warm-up and smaller steps are what an analyst would try next, so that is tried once, and the better run is
kept. Nothing is done for those who set `tune` or `target_accept` themselves, nor about draws that are merely few.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from bayeslmm.errors import PACKAGE, SamplingWarning
from bayeslmm.results.draw_checks import ESS_PER_CHAIN
from bayeslmm.results.posterior import Posterior

SMALLER_STEPS = {"tune": 1000, "target_accept": 0.99}
SETTINGS = ("tune", "target_accept", "store", "sampler", "parameterisation")
TELLING = 400  # draws of a chain below which R-hat and ESS say more about their number than about the sampler
POOR = 0.1  # effective draws per draw

Again = Callable[..., Posterior]


def remedied(post: Posterior, options: Mapping[str, Any], again: Again) -> Posterior:
    """The posterior itself where nothing is wrong with it; otherwise the better of it and one more run.

    Parameters
    ----------
    post
        What sampling gave.
    options
        What the caller asked for.
    again
        Samples the same model with the options that it is given.

    Warns
    -----
    SamplingWarning
        There was one more run: why, and what came of it; and where the better run is still not good enough, the next
        step.
    """
    wrong = faults(post)
    if not wrong or not _may_be_repeated(post, options):
        warn(post)
        return post
    chosen = {**options, **SMALLER_STEPS, "engine": "marginal", "seed": post.data.attrs["seed"]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SamplingWarning)
        try:
            other: Posterior | None = again(**chosen)
        except KeyboardInterrupt:
            other = None
    best, told = _better(post, other)
    said = f"{'; '.join(wrong)}. Sampled once more with {_written(SMALLER_STEPS)}: {told}"
    attrs = {**best.data.attrs, "remedy": said}
    tree = best.data.copy()
    tree.attrs = attrs
    best = replace(best, data=tree)
    warn(best, said)
    return best


def faults(post: Posterior) -> list[str]:
    """What smaller steps and a longer warm-up may cure, in words; nothing where draws are too few to tell."""
    checks, (chains, n) = post.diagnostics().table, post.draws.shape
    wrong = []
    for name in ("divergences", "R-hat", "ESS bulk", "ESS tail"):
        found = checks.loc[name] if name in checks.index else None
        if found is None or found["ok"] or found["value"] != found["value"]:
            continue
        few = name.startswith("ESS") and found["value"] >= min(ESS_PER_CHAIN, POOR * n) * chains
        if name == "divergences" or not (few or n < TELLING):
            wrong.append(f"{name}: {found['verdict']}")
    return wrong


def warn(post: Posterior, done: str = "") -> None:
    """Say what was done, and why draws should not be used yet, with the number that shows it and the next step."""
    checks = post.diagnostics().table
    bad = checks[~checks["ok"].astype(bool)]
    said = [done] if done else []
    if len(bad):
        still = "; ".join(f"{name}: {verdict}" for name, verdict in bad["verdict"].items())
        step = next((s for s in bad["next_step"] if s), "")
        more = "; more in post.diagnostics()" if len(bad) > 1 else ""
        said.append(f"{'Still: ' if done else ''}{still}. What to do: {step}{more}")
    if said:
        warnings.warn(". ".join(said), SamplingWarning, skip_file_prefixes=PACKAGE)


def _may_be_repeated(post: Posterior, options: Mapping[str, Any]) -> bool:
    """Whether the caller left the choice to us, and the run came to its end."""
    attrs = post.data.attrs
    whole = post.draws.shape == (attrs.get("chains"), attrs.get("draws"))
    return attrs.get("engine") == "marginal" and whole and all(options.get(name) is None for name in SETTINGS)


def _better(first: Posterior, second: Posterior | None) -> tuple[Posterior, str]:
    """The run with fewer faults, or fewer divergences, or the smaller R-hat, and which it is in words."""
    if second is None or second.draws.shape != first.draws.shape:
        return first, "interrupted, and the first draws kept"
    if _badness(second) <= _badness(first):
        return second, "all is well now" if not faults(second) else "better, and these draws kept"
    return first, "no better, and the first draws kept"


def _badness(post: Posterior) -> tuple[float, ...]:
    checks = post.diagnostics().table["value"].fillna(0.0)
    return len(faults(post)), checks.get("divergences", 0.0), checks.get("R-hat", 0.0)


def _written(options: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in options.items())
