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
# # A singular fit of real data, read as a statistician would
#
# How strongly the ground shakes in an earthquake, by distance, magnitude and kind of ground. Two predictors vary within
# quakes, and a careful analyst gives both a random slope. `lmer` answers `boundary (singular) fit`. This page asks what
# that means, what else could be done, how much the answer depends on it, and what to report.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import bayeslmm as blm

quakes = blm.datasets.load("earthquake")
blm.datasets.describe("earthquake")

# %% [markdown]
# ## The data
#
# The design is not balanced: one quake was recorded by 38 stations, six by a single one, and only in 11 of 23 did
# stations stand on both kinds of ground (`soil` is 0 on rock). Magnitude has one value for each quake.

# %%
by_quake = quakes.sort_values("distance").groupby("Quake", observed=True)
design = by_quake.agg(stations=("accel", "size"), grounds=("soil", "nunique"))
pd.crosstab(pd.cut(design["stations"], [0, 1, 5, 10, 40]), design["grounds"])

# %%
figure, ax = plt.subplots(figsize=(7, 4), layout="constrained")
for _, rows in by_quake:
    line = ax.plot(rows["distance"], rows["accel"], "o-", ms=3, lw=0.7, alpha=0.7)
labels = ax.set(xscale="log", yscale="log", xlabel="distance, km", ylabel="greatest acceleration, g")

# %% [markdown]
# One line for each quake. On log scales they fall about straight, some faster than others; those that were recorded far
# away are the strong ones.
#
# ## The model, and the message
#
# Distances are divided by 20, so that the intercept is the acceleration at 20 km, in the midst of the data. At 1 km,
# where `log(distance)` is 0, there is hardly a station, and sds and correlations of intercepts would be those of an
# extrapolation.

# %%
formula = "log(accel) ~ log(distance/20) + Richter + soil + (log(distance/20) + soil | Quake)"
blm.advise(formula, quakes)

# %%
fit = blm.lmer(formula, quakes)

# %%
fit

# %% [markdown]
# No sd is zero, and no correlation is 1; the summary alone would not show it. What is singular is a combination, and
# R's `rePCA(m)` shows that there is one: of three directions in which quakes could differ two are left.

# %%
fit.repca()

# %%
for reason in fit.singularities:
    print(reason.sentence)

# %% [markdown]
# What does it say about quakes? The sd of quakes at a place is that of intercept + slopes there. At 20 km it is 0.55 on
# rock and 0.17 on soil: by this estimate quakes of one magnitude, at that distance, shake soil nearly alike. Farther
# away and nearer by they differ on both. That is an odd thing to believe, and no more than 11 quakes with both kinds of
# ground stand behind it.

# %%
fit.variance_partition(at={"distance": [5, 20, 80], "soil": ["0", "1"]}).query("group == 'Quake'").round(2)

# %% [markdown]
# Is it a failure to converge? No: the gradient is zero, and along the boundary's normal the criterion rises (the
# multiplier is positive). lme4's `allFit` asks the same of other optimisers; the triage below does, too.

# %%
fit.converged, fit.certificate.gradient_norm < 1e-6, np.round(fit.certificate.multipliers, 2)

# %% [markdown]
# ## How flat is it there?
#
# R: `confint(profile(m))`. The profile follows one parameter and fits the others again. All three correlations have an
# end at the boundary, and two of them can be nearly anything. The data do not say that quakes lack a direction; they
# say little about how the three deviations of a quake go together.

# %%
profile = fit.profile("theta_", level=0.95)
profile

# %%
axes = profile.plot(width=9)

# %% [markdown]
# ## The triage
#
# One call does all that could be done, and says what can be concluded. Read it from the end: the verdict comes with its
# reasons, and the parts before it are the evidence.

# %%
found = fit.reanalyse(seed=1)
found

# %% [markdown]
# What to take from it, part by part.
#
# 1. *What is singular.* `informative` counts the levels that can tell something of a parameter. Three sds and three
#    correlations are to be learned from 11 to 23 quakes, and the intervals are as wide as that lets one expect.
# 2. *In the frequentist frame.* Everybody knows the advice to drop random slopes until the message goes away. Without
#    that of distance the criterion rises by more than 50, and the data speak against it. The slope of soil may go, or
#    the correlations may.
# 3. *The posterior* of the model as written has no trouble with the boundary: less than a quarter of it lies near it.
# 4. *Verdict.* The signs are the same in all analyses. But look at the sizes.

# %%
axes = found.plot("Richter")

# %% [markdown]
# The effect of the magnitude is about 0.33 without random slopes of distance, and twice that with them. Strong quakes
# were recorded farther away, so that what is not given to distance is given to magnitude: with slopes that may differ,
# the mean slope is steeper (-1.14 instead of -0.88). The analyses that the data speak against are grey. The others
# agree, and the one that stops at the boundary has the shortest interval of them: it takes for granted that the
# direction without variance has none. Kenward and Roger's correction repairs that.
#
# That the correlations may go is owed to dividing distances by 20. `||` depends on where zero is: with zero at 1 km, an
# extrapolation for nearly all quakes, the same step would cost much more.

# %%
uncorrelated = "log(accel) ~ log(distance/{km}) + Richter + soil + (log(distance/{km}) + soil || Quake)"
for km in (1, 20):
    rise = blm.lmer(uncorrelated.format(km=km), quakes).criterion - fit.criterion
    print(f"without correlations, zero at {km} km: the criterion rises by {rise:.1f}")

# %% [markdown]
# The effect of the soil is open in all analyses.

# %%
axes = found.plot("soil1")

# %% [markdown]
# The posterior of the sds and correlations, with the REML estimate marked. The correlation that REML puts at -0.98 has
# most of its posterior below zero, and little of it near -1.

# %%
axes = found.plot_posterior(width=9)

# %% [markdown]
# ## Outside of mixed models
#
# R: `lm` with `clubSandwich`, and so on. Least squares weighs stations, and so agrees with the models that have no
# slopes. The means of quakes weigh quakes, and agree with the posterior. Fixed effects for quakes leave nothing to
# estimate, since magnitude does not vary within them.

# %%
others = blm.alternatives(formula, quakes, focal="Richter", bayes=False)
axes = others.plot()

# %% [markdown]
# ## Do the priors decide?
#
# A posterior that is not at the boundary owes that to its prior as well: LKJ(2) leans slightly against large
# correlations. R: `priorsense::powerscale_sensitivity(b)`. The coefficients hardly react. The sd of the slopes of soil
# and its correlation with the intercept do, as they must where the data say so little: whoever wants to know them needs
# more quakes.

# %%
post = found.posterior.post
post.prior_sensitivity()

# %% [markdown]
# How much narrower or wider would all priors have to be, until the interval of the magnitude includes zero?

# %%
decision = post.prior_sensitivity("Richter")
print(decision.sentence)

# %%
axes = decision.plot()

# %% [markdown]
# And a colleague with other priors: no leaning against large correlations, and sds between quakes that are seldom above
# 1, a factor of 2.7 in acceleration.

# %%
priors = {"cor": blm.LKJ(1), "sd_Quake": blm.HalfNormal(0.5)}
other = blm.brm(formula, quakes, priors=priors, seed=1, progressbar=False)
shown = ["estimate", "sd", "lower", "upper"]
other.summary().fixed[shown].round(2)

# %%
post.summary().fixed[shown].round(2)

# %%
for name, posterior in {"LKJ(2)": post, "LKJ(1)": other}.items():
    negative = posterior.hypothesis("cor_Quake[Intercept, soil1] < 0").table["probability"].iloc[0]
    print(f"{name}: intercept and slope of soil are negatively correlated with probability {negative:.2f}")

# %% [markdown]
# ## What to report
#
# The model as first written, by its posterior, with the singular REML fit told and not hidden, and the model without
# slopes of the soil as the frequentist check. One unit of magnitude doubles the acceleration; how quakes differ in the
# effect of the ground remains open, and so does the sign of its mean.

# %%
ratio = np.exp(post.contrast("Richter").table[["estimate", "lower", "upper"]])
ratio.round(2)

# %%
post.apa(terms=["log(distance/20)", "Richter", "soil1"])

# %%
simple = "log(accel) ~ log(distance/20) + Richter + soil + (log(distance/20) | Quake)"
simpler = blm.lmer(simple, quakes)
simpler.tests("kenward-roger").round(4)

# %% [markdown]
# `found.report("quakes.html")` writes the triage as one page, with its pictures, for co-authors and reviewers.
