"""The blocked likelihood as compiled loops: the algorithm of `kernel`, `inverse` and `gradient`, for speed.

    plan.py         where each block lies in flat arrays
    vectors.py      the vector operations that all loops are made of
    elimination.py  forward: the lead, and what it leaves for the tail
    tail.py         the dense tail where it is small, and its inverse in the lead's rows
    tiles.py        the dense tail where it is large: tiles on several threads
    derivative.py   back: M^-1 on the pattern, u, the gradient
    whole.py        all of it in one call, where the tail is small
    sums.py         cross-products, summed over rows
    engine.py       runs them

`likelihood/dense.py` is the obvious reference; `likelihood/plain.py` the same blocked algorithm in NumPy. Numba keeps
compiled code beside the sources (or in NUMBA_CACHE_DIR) and looks only at the file of the function itself: after
editing `vectors.py`, remove `__pycache__`.
"""
