# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Planning a study: simulation and power
#
# How many subjects, how many days each, and what can go wrong? R: `simr::powerSim`, `simr::powerCurve`, or a loop around
# `simulate()` and `lmer()`. The study to be planned is like sleepstudy, with half the effect of a day.

# %%
import numpy as np
import pandas as pd

import bayeslmm as blm

# %% [markdown]
# ## The model, stated
#
# R: `simr::makeLmer(y ~ day + (day | subject), fixef, VarCorr, sigma, data)`. A formula, a design, and numbers that one
# is ready to defend: here an average slope of 5 ms per day, and slopes of subjects with an sd of 6.

# %%
formula = "reaction ~ day + (day | subject)"
truth = {
    "fixef": {"Intercept": 250, "day": 5},
    "sd": {"subject": {"Intercept": 25, "day": 6}},
    "cor": {"subject": 0.1},
    "sigma": 25,
}
made = blm.simulate(formula, blm.crossed(subject=18, day=range(10)), **truth, seed=1)
made

# %% [markdown]
# ## Is the truth found again?
#
# A fit of the simulated data beside the truth: parameters with their intervals, then the effects of subjects, true
# against estimated. Estimated effects are drawn towards zero; the less is known of a subject, the more.

# %%
recovery = made.recovery()
recovery.table.round(2)

# %%
axes = recovery.plot(width=9)

# %% [markdown]
# ## Power, by subjects and by days
#
# R: `powerCurve(m, along = "subject")`, once for each number of days. Here both at once: a function makes the design,
# and the grid has the sizes. Each of the 12 designs is simulated, fitted and tested 500 times; in brackets stands what
# another 500 could have given (Monte Carlo interval).


# %%
def study(subjects, days):
    """Return a design in which every subject comes on every day."""
    return blm.crossed(subject=subjects, day=range(days))


found = blm.power(formula, study, {"subjects": [8, 12, 18, 27], "days": [4, 7, 10]}, **truth, seed=1)
found

# %%
axes = found.plot()

# %% [markdown]
# From 4 to 7 days a lot is won, from 7 to 10 little: what limits the study then is that subjects differ, and more
# days of the same subjects do not help against that. The dashed line is a power of 0.8.
#
# ## What a significant result is worth
#
# With little power, those results that are significant are the lucky ones. Type M (Gelman & Carlin 2014) is by how much
# they exaggerate, on average; type S is how often they have the wrong sign.

# %%
axes = found.plot("type_m")

# %%
axes = found.plot("type_s")

# %% [markdown]
# With 8 subjects and 4 days, a significant slope is about twice as large as the true one. Who plans the next study by it
# plans too small a study. The sign is not the problem here.
#
# Do the intervals hold what they promise? `coverage` is the share of 95% intervals that have the true value in them.

# %%
axes = found.plot("coverage")

# %% [markdown]
# ## The same rows, spent otherwise
#
# 72 measurements can be 8 subjects on 9 days or 24 subjects on 3 days. In R one writes a loop; here a grid over the
# number of subjects, with a function that spends the same rows.

# %%
spent = blm.power(
    formula,
    lambda subjects: blm.crossed(subject=subjects, day=np.linspace(0, 9, 72 // subjects)),
    {"subjects": [8, 12, 18, 24]},
    **truth,
    seed=2,
)
spent

# %% [markdown]
# The days are spread from 0 to 9 each time. More subjects with fewer days are better, as long as subjects are as cheap
# as days.
#
# ## Subjects who do not come back
#
# `blm.dropout` lets a share of the subjects leave, at a day of which it is said how it is drawn, and `seed` in the
# function's arguments lets every design be drawn anew. `blm.thinned` takes single rows away.

# %%
help_text = blm.dropout.__doc__.splitlines()[0]
print(help_text)


def leaving(subjects, share, seed):
    """Return a design in which a share of the subjects leave."""
    return blm.dropout(study(subjects, 10), "subject", "day", share, seed=seed)
