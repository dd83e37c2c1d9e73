"""Fit and posterior side by side; no, complete and partial pooling.

`bayeslmm.compare` is the name of this folder and of the verb. Python makes the folder an attribute of `bayeslmm` as
soon as any file in it is imported, so the folder can be called, and does what the verb does.
"""

import sys
from types import ModuleType
from typing import Literal

from bayeslmm.compare.comparison import Comparison, compare
from bayeslmm.results.fit import Fit
from bayeslmm.results.posterior import Posterior

__all__ = ["Comparison", "compare"]


class _Verb(ModuleType):
    def __call__(
        self, fit: Fit, post: Posterior, level: float = 0.95, profile: bool | Literal["auto"] = "auto"
    ) -> Comparison:
        return compare(fit, post, level, profile)


_Verb.__call__.__doc__ = compare.__doc__
sys.modules[__name__].__class__ = _Verb
