"""Compile all loops, of fits and of the sampler, and leave them on disk: `python -m bayeslmm.warm_up`.

It starts by itself once plain fits have added up to a second of work; where an image of a machine is built it is worth
a line of its own.
"""

import os
import sys

from bayeslmm.bayes.marginal.loops import compile_all, compile_half
from bayeslmm.likelihood.background import lock_file
from bayeslmm.likelihood.policy import on_disk


def main() -> None:
    """Fit once by the compiled loops, with low priority."""
    from bayeslmm.datasets import load
    from bayeslmm.verbs.lmer import lmer

    os.environ["BAYESLMM_ENGINE"] = "compiled"
    if hasattr(os, "nice"):
        os.nice(10)
    lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy"))
    compile_all()
    if on_disk():  # else the lock stays, and nobody tries again before it expires
        lock_file().unlink(missing_ok=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["half"]:
        compile_half()
    else:
        main()
