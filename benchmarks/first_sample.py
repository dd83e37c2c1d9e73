"""Where the time of a first posterior goes: run by posterior.py in a process of its own, which imports nothing else.

python benchmarks/first_sample.py STARTED    seconds since the epoch when the process was started
"""

import json
import sys
import time
import warnings

marks, names = [float(sys.argv[1])], []


def mark(name: str) -> None:
    """What took the time since the last mark."""
    marks.append(time.time())
    names.append(name)


mark("Python")
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402, F401

mark("NumPy, pandas")
import bayeslmm as blm  # noqa: E402

model = blm.Model("Reaction ~ Days + (Days | Subject)", blm.datasets.load("sleepstudy"))
mark("SciPy, our modules, the design")
import xarray  # noqa: E402, F401

mark("xarray")
import numba  # noqa: E402, F401

mark("Numba")
import bayeslmm.bayes.marginal.run  # noqa: E402
import bayeslmm.bayes.sample  # noqa: E402
import bayeslmm.results.posterior  # noqa: E402, F401
from bayeslmm.bayes.marginal.loops import loops  # noqa: E402

mark("our modules of the sampler")
loops()
mark("compiled loops")
warnings.simplefilter("ignore")
post = model.sample(seed=1, progressbar=False, check=False)
mark("the first sampling")
post.diagnostics()
mark("diagnostics")
print(json.dumps(dict(zip(names, np.diff(marks).tolist(), strict=True))))
