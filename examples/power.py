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
# How many subjects, how many days each, and what can go wrong? R: `simr::powerSim`, `simr::powerCurve`, or a loop
# around `simulate()` and `lmer()`. The study to be planned is like sleepstudy, with half the effect of a day.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import bayeslmm as blm

formula = "reaction ~ day + (day | subject)"

# %% [markdown]
# ## The model, stated
#
# R: `simr::makeLmer(y ~ day + (day | subject), fixef, VarCorr, sigma, data)`. A formula, a design, and numbers that one
# is ready to defend: here an average slope of 5 ms per day, and slopes of subjects with an sd of 6.

# %%
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
# and the grid has the sizes. Each of the 12 designs is simulated, fitted and tested 300 times; in brackets stands what
# more of them could have given (Monte Carlo interval).


# %%
def study(subjects, days):
    """Return a design in which every subject comes on every day."""
    return blm.crossed(subject=subjects, day=range(days))


sizes = {"subjects": [8, 12, 18, 27], "days": [4, 7, 10]}
found = blm.power(formula, study, sizes, **truth, n=300, seed=1)
found

# %%
axes = found.plot()

# %% [markdown]
# From 4 to 7 days a lot is won, from 7 to 10 less: what limits the study then is that subjects differ, and more days of
# the same subjects do not help against that. The dashed line is a power of 0.8. With 4 days half of the fits are
# singular: four days do not tell how slopes differ. That is no reason to leave such fits out, and they count.
#
# ## What a significant result is worth
#
# With little power, those results that are significant are the lucky ones. Type M (Gelman & Carlin 2014) is by how much
# they exaggerate, on average; type S is how often they have the wrong sign.

# %%
axes = found.plot("type_m")

# %% [markdown]
# With 8 subjects and 4 days, a significant slope is on average more than twice as large as the true one. Who plans the
# next study by it plans too small a study. The sign is not the problem here. It is if the effect is small: for 1 ms per
# day the power is no more than the 0.05 of no effect at all, and a quarter of the significant results point the wrong
# way.

# %%
small = truth | {"fixef": {"Intercept": 250, "day": 1}}
blm.power(formula, study(8, 4), **small, n=1000, seed=5)

# %% [markdown]
# Do the intervals hold what they promise? `coverage` is the share of 95% intervals that have the true value in them.

# %%
axes = found.plot("coverage")

# %% [markdown]
# They do. With 4 days, where half of the fits are singular, they are rather too wide.
#
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
    n=300,
    seed=2,
)
spent

# %% [markdown]
# The days are spread from 0 to 9 each time. More subjects with fewer days are better, as long as subjects are as cheap
# as days.
#
# ## Subjects who do not come back
#
# `blm.dropout` lets subjects leave for good, after each day with the same probability, and `blm.thinned` takes out
# single rows at random. In a function with an argument `seed` each design has its own draw of who leaves.


# %%
def leaving(rate, seed):
    """Return 18 subjects and ten days, of which some do not come to the end."""
    return blm.dropout(blm.crossed(subject=18, day=range(10)), by="subject", over="day", rate=rate, seed=seed)


left = blm.power(formula, leaving, {"rate": [0.0, 0.05, 0.1, 0.2]}, **truth, n=300, seed=3)
left.table[["rate", "n_rows", "power", "power_lower", "power_upper", "coverage", "singular"]].round(2)

# %% [markdown]
# That subjects leave costs power. It does not bias the estimate here, since who leaves is left to chance; where those
# leave who do badly, put that into the function which makes the design.
#
# ## From a pilot study, with what it does not know
#
# R: `powerSim(fit)`, which takes the estimates of a pilot study for the truth. A pilot study of 8 subjects and 7 days,
# simulated from the model above, so that it can be held against the truth:

# %%
pilot = blm.simulate(formula, blm.crossed(subject=8, day=range(7)), **truth, seed=7).fit()
pilot.tests()

# %% [markdown]
# By its estimates a study of 18 subjects and 10 days has this power:

# %%
plan = study(18, 10)
sds = pilot.varcorr.query("term2.isna() and group == 'subject'").set_index("term1")["sd"]
estimated = {
    "fixef": pilot.fixef.to_dict(),
    "sd": {"subject": sds.to_list()},
    "cor": {"subject": float(pilot.varcorr["corr"].dropna().iloc[0])},
    "sigma": pilot.sigma,
}
by_estimates = blm.power(formula, plan, **estimated, n=300, seed=4)
by_estimates

# %% [markdown]
# The interval in brackets is that of the simulation, and says nothing of the pilot study's own uncertainty, which is
# much larger. The posterior has it: each of its draws is a truth that the pilot study allows for, and has a power of
# its own. 40 draws, 60 studies for each.

# %%
post = pilot.sample(seed=1, progressbar=False)
draws = post.data["posterior"].to_dataset().stack(sample=("chain", "draw"))


def power_of(i):
    """Return slope and power if draw i of the posterior is the truth."""
    one = draws.isel(sample=i)
    true = {
        "fixef": one["beta"].to_numpy(),
        "sd": {"subject": one["sd_subject"].to_numpy()},
        "cor": {"subject": float(one["cor_subject"][0])},
        "sigma": float(one["sigma"]),
    }
    return true["fixef"][1], blm.power(formula, plan, **true, n=60, seed=i).table["power"].iloc[0]


chosen = np.linspace(0, draws.sizes["sample"] - 1, 40).astype(int)
allowed = pd.DataFrame([power_of(i) for i in chosen], columns=["slope", "power"])
allowed["power"].describe(percentiles=[0.1, 0.25, 0.5, 0.75]).round(2)

# %%
figure, ax = plt.subplots(figsize=(7, 3.5), layout="constrained")
ax.plot(allowed["slope"], allowed["power"], "o", ms=4, alpha=0.7)
ax.axvline(truth["fixef"]["day"], color="grey", lw=1, ls="--")
labels = ax.set(xlabel="slope, ms per day (dashed: the truth)", ylabel="power", ylim=(-0.02, 1.02))

# %% [markdown]
# The mean of these powers is the probability that the study finds something, as far as the pilot study can tell. It is
# lower than the power by the estimates, and the range is wide: eight subjects do not say whether eighteen suffice. The
# smallest effect that would matter is the better basis of a plan; from a pilot study take the sds.
#
# On the command line: `bayeslmm power "y ~ x + (x | g)" pilot.csv --groups 20,40`.
