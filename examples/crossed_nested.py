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
# # Crossed and nested designs
#
# Groups within groups, groups across groups, and both: what the formula says, what the data say, and what goes wrong
# where the two do not agree. Four designs: penicillin (crossed), pastes (nested), essays (both), oats (split-plot).
# Each step names the line of R that it stands for.

# %%
import pandas as pd

import bayeslmm as blm

pd.options.display.max_colwidth = 120

# %% [markdown]
# ## Crossed: every sample on every plate
#
# Six samples of penicillin were each tested on 24 plates, and the diameter of the zone without growth was measured. No
# plate belongs to a sample and no sample to a plate: the factors cross. R: `xtabs(~ plate + sample, Penicillin)`.

# %%
penicillin = blm.datasets.load("penicillin")
penicillin.pivot(index="sample", columns="plate", values="diameter").iloc[:, :12]

# %% [markdown]
# R: `lmer(diameter ~ 1 + (1 | plate) + (1 | sample), Penicillin)`. One term for each factor; that they cross need not
# be said, it is in the data. `explain` looks there, and the table of relations says what it saw.

# %%
crossed = blm.lmer("diameter ~ 1 + (1 | plate) + (1 | sample)", penicillin)
blm.explain(crossed).relations

# %%
crossed

# %% [markdown]
# ### Who makes the differences?
#
# R: `performance::icc(m, by_group = TRUE)`. The variance of a single measurement, taken apart: 79% lies between
# samples, 15% between plates, 6% is left. With 6 samples the first share is known roughly only: somewhere between one
# half and 95%. Plates are many, and their sd is known much better than that of samples.

# %%
crossed.variance_partition().round(3)

# %%
crossed.icc(by_group=True, level=0.95).round(2)

# %%
crossed.confint("profile").round(2)

# %%
axes = crossed.plot.caterpillar(width=9)

# %% [markdown]
# Which of the shares is *the* ICC depends on the question. Two measurements of the same sample on different plates
# correlate by 0.79, two of different samples on the same plate by 0.15.
#
# ### Predictions
#
# R: `predict(m, new, allow.new.levels = TRUE)`. Sample A on plate a, on a plate that nobody has seen, and a new sample
# on a new plate: each step adds the variance that is not known any more, and samples have most of it.

# %%
new = pd.DataFrame({"sample": ["A", "A", "Z"], "plate": ["a", "new", "new"]})
new.join(crossed.predict(new, new_levels="population", interval="prediction").round(2))

# %% [markdown]
# ## Nested: casks of batches
#
# Ten batches of a paste, three casks from each, two assays of each cask. The casks of every batch are called a, b and
# c: cask a of batch A has nothing to do with cask a of batch B, but the labels do not show it.

# %%
pastes = blm.datasets.load("pastes")
pastes.groupby(["batch", "cask"], observed=True)["strength"].mean().unstack().T

# %% [markdown]
# R: `lmer(strength ~ 1 + (1 | batch/cask), Pastes)`. The slash nests: `batch/cask` is `batch` and `batch:cask`, a level
# for each combination. `explain` says so, and what `cask` alone would mean.

# %%
nested = blm.lmer("strength ~ 1 + (1 | batch/cask)", pastes)
blm.explain(nested)

# %%
nested.varcorr[["group", "sd"]].round(3)

# %% [markdown]
# ### What goes wrong with labels that are used again
#
# Forget the slash, and the model has three casks, a, b and c, which all batches share. It runs without a complaint.
# `blm.advise` is the complaint.

# %%
wrong = blm.lmer("strength ~ 1 + (1 | batch) + (1 | cask)", pastes)
blm.advise(wrong)

# %% [markdown]
# The wrong model finds no difference between casks, since cask a of one batch is not like cask a of another, and calls
# what it cannot place residual: 2.70 instead of 0.82. Who plans the next study by it, orders more assays, where more
# casks are needed.

# %%
pd.DataFrame(
    {
        name: fit.varcorr.set_index("group")["sd"].rename({"cask:batch": "cask"})
        for name, fit in {"nested": nested, "labels used again": wrong}.items()
    }
).round(2)

# %% [markdown]
# ### Labels that are unique
#
# The column `sample` has a name of its own for each cask. With such labels nesting is in the data, and the formula need
# not say it: `(1 | batch) + (1 | sample)` is the same model, with the same criterion. Label things once and for all,
# and this mistake cannot be made.

# %%
unique = blm.lmer("strength ~ 1 + (1 | batch) + (1 | sample)", pastes)
print(f"criterion: {nested.criterion:.6f} with the slash, {unique.criterion:.6f} with unique labels")
blm.explain(unique).relations

# %% [markdown]
# ### Does each level of nesting matter?
#
# R: `ranova(m)`. Casks differ beyond doubt. That batches do is not shown (p = 0.17, from the distribution that holds
# where a variance of zero is tested): with three casks each, their means would differ nearly as much without. Both stay
# in the model, since the design has both.

# %%
nested.ranova()

# %%
nested.confint("profile").round(2)

# %% [markdown]
# ### What follows for the next study
#
# R: `car::deltaMethod`. The sd of a batch's mean over some casks with some assays each is a function of the parameters,
# and has an interval. For the same number of assays, one of each of six casks is worth far more than three of each of
# two.


# %%
def sd_of_mean(v):
    """Return the sd of a batch's mean, for three ways to spend six assays."""
    cask, assay = v.var["cask:batch"]["(Intercept)"], v.sigma**2
    ways = [(2, 3), (3, 2), (6, 1)]
    return {f"casks: {k}, assays of each: {r}": (cask / k + assay / (k * r)) ** 0.5 for k, r in ways}


nested.functional(sd_of_mean, scale="log")[["estimate", "lower", "upper"]].round(2)

# %% [markdown]
# Predictions: another assay of a known cask, one of a new cask of a known batch, one of a new batch.

# %%
new = pd.DataFrame({"batch": ["A", "A", "new"], "cask": ["a", "new", "new"]})
new.join(nested.predict(new, new_levels="population", interval="prediction").round(2))

# %% [markdown]
# ## Both: pupils in schools, all essays read by the same raters
#
# Data from a stated model, so that the truth is known: pupils are nested in schools, raters cross both.

# %%
design = blm.nested(school=12, pupil=10).merge(pd.DataFrame({"rater": list("ABCDEFGH")}), how="cross")
essays = blm.simulate(
    "score ~ 1 + (1 | school/pupil) + (1 | rater)",
    design,
    fixef={"Intercept": 50},
    sd={"school": 3, "school:pupil": 6, "rater": 2},
    sigma=5,
    seed=1,
)
both = blm.lmer("score ~ 1 + (1 | school/pupil) + (1 | rater)", essays.data)
blm.explain(both).relations

# %% [markdown]
# The truth lies in all intervals, and those of schools and raters are wide: 12 schools and 8 raters do not say more.

# %%
intervals = both.confint("profile", parm="theta_")
intervals.assign(estimate=both.variance_partition()["sd"].to_numpy(), truth=[6, 3, 2, 5]).round(2)

# %% [markdown]
# How reliable is the mean of a pupil's marks? It is the variance between pupils, in and between schools, over that and
# what raters add. If all pupils have the same raters, their severity is no error of a comparison; if each has raters of
# his own, it is. Here raters are nearly alike, and it makes little difference; their number does.


# %%
def reliability(v):
    """Return the share of the variance of a pupil's mean that is the pupil's."""
    pupils = v.var["pupil:school"]["(Intercept)"] + v.var["school"]["(Intercept)"]
    rater, rest = v.var["rater"]["(Intercept)"], v.sigma**2
    same = {f"the same {k} raters": pupils / (pupils + rest / k) for k in (2, 8)}
    own = {f"{k} raters of one's own": pupils / (pupils + (rater + rest) / k) for k in (2, 8)}
    return same | own


both.functional(reliability, scale="logit")[["estimate", "lower", "upper"]].round(2)

# %% [markdown]
# ## Split-plot: varieties on whole plots, nitrogen on subplots
#
# Six blocks have three whole plots each, one for each variety; a whole plot has four subplots, one for each amount of
# nitrogen. Two randomisations, so two kinds of error: varieties are compared between whole plots, nitrogen within them.
# R: `lmer(yield ~ factor(nitro) * Variety + (1 | Block/Variety), Oats)`, or `aov(yield ~ factor(nitro) * Variety +
# Error(Block/Variety), Oats)`.

# %%
oats = blm.datasets.load("oats")
plots = blm.lmer("yield ~ factor(nitro) * Variety + (1 | Block/Variety)", oats)
blm.explain(plots).relations

# %% [markdown]
# A whole plot is a combination of block and variety, which is what `Block/Variety` makes of it. The F tests are those
# of the classical table: variety is tested against whole plots, with 10 degrees of freedom, nitrogen and the
# interaction against subplots, with 45.

# %%
plots.anova(ddf="kenward-roger")

# %% [markdown]
# Least squares takes 72 subplots for independent, and has one error for everything. For differences between varieties
# it is too small, for those of nitrogen too large: the first have not 66 degrees of freedom, and the second do not
# suffer from differences between blocks and plots.

# %%
formula = "yield ~ factor(nitro) + Variety"
both_errors = blm.lmer(f"{formula} + (1 | Block/Variety)", oats).tests()
one_error = blm.lm(formula, oats).tests()
pd.concat({"split-plot": both_errors, "least squares": one_error}, axis=1).swaplevel(axis=1)[
    ["estimate", "se", "df"]
].round(2)

# %% [markdown]
# ### Means and contrasts
#
# R: `emmeans(m, ~ Variety)`, `pairs()`, `emmeans(m, poly ~ nitro)`. A mean of a variety holds for blocks in general,
# and has the variance of blocks in it; the difference of two varieties has not, since all varieties stand in every
# block. Differences of nitrogen are more precise still.

# %%
plots.means("Variety")

# %%
plots.contrasts("Variety")

# %%
plots.contrasts("nitro", "poly")

# %% [markdown]
# Yield rises with nitrogen, and no curve is needed to say how: the linear contrast is clear, those of second and third
# degree are not. The interaction gives no reason to think that varieties differ in this.

# %%
axes = plots.plot.effects("nitro", by="Variety")

# %% [markdown]
# ### Variances, and a block that nobody has seen
#
# R: `ranova(m)`. Blocks and whole plots both have variance of their own.

# %%
plots.ranova()

# %% [markdown]
# Who leaves out `Block:Variety` tests varieties against subplots, with 55 degrees of freedom that the design does not
# have, and finds a difference between them.

# %%
blm.lmer("yield ~ factor(nitro) * Variety + (1 | Block)", oats).anova(ddf="kenward-roger")

# %% [markdown]
# The share of each in the variance of a subplot, and a prediction for a plot of a block of the study and of another
# one.

# %%
plots.icc(by_group=True, level=0.95).round(2)

# %%
new = pd.DataFrame({"nitro": [0.4, 0.4], "Variety": ["Victory", "Victory"], "Block": ["I", "new"]})
new.join(plots.predict(new, new_levels="population", interval="prediction").round(1))

# %% [markdown]
# Block I is a good one, and its yield is predicted from its own plots. A new block may be any, and its interval is two
# thirds wider. That is what random effects are for: the same model speaks of the blocks in the study, and of those to
# come.
