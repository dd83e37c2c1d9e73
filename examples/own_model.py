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
# # A model of your own: heavy tails, and a residual sd for each subject
#
# `blm.lmer` and `fit.sample()` know normal residuals with one sd. Where the data have others, the formula still says
# the mean and the random effects, and PyMC says the rest. R: `brm(bf(y ~ x + (x | g), sigma ~ (1 | g)), family =
# student())`, for which one learns a language of options; here one writes the distribution.

# %%
import arviz as az
import matplotlib.pyplot as plt
import pandas as pd
import pymc as pm

import bayeslmm as blm

sleep = blm.datasets.load("sleepstudy")
model = blm.Model("Reaction ~ Days + (Days | Subject)", sleep)

# %% [markdown]
# ## What is wrong with the normal model
#
# Its posterior predictive check finds that subjects differ in how much their times scatter; the residuals show that a
# few days are far from the lines. The one sd, 26 ms, is a compromise between quiet and restless subjects. (That
# successive residuals are correlated is another matter, which nothing on this page mends.)

# %%
post = model.sample(seed=1, progressbar=False)
post.check()

# %%
residuals = sleep.assign(residual=model.fit().residuals())
figure, ax = plt.subplots(figsize=(7, 3.5), layout="constrained")
ax.axhline(0, lw=0.8, color="grey")
ax.plot(residuals["Subject"].astype(str), residuals["residual"], "o", ms=3, alpha=0.7)
labels = ax.set(xlabel="subject", ylabel="residual, ms")

# %% [markdown]
# ## Student-t residuals
#
# R: `brm(..., family = student())`. `model.pymc_model(likelihood=False)` has the priors of the formula and the expected
# response `mu`; `y_observed` are the data, and `obs` is the dimension of rows. Two lines are added: a prior of the
# degrees of freedom, as in brms, and the distribution of the response.
#
# `pm.sample` takes nutpie where it is installed, as it is with bayeslmm; `nuts_sampler="pymc"` asks for PyMC's own.

# %%
options = {"draws": 1000, "tune": 1000, "chains": 4, "target_accept": 0.95, "random_seed": 1}
options |= {"nuts_sampler": "nutpie", "progressbar": False, "quiet": True}

with model.pymc_model(likelihood=False) as robust:
    nu = pm.Gamma("nu", 2, 0.1)
    mu, sigma, y = robust["mu"], robust["sigma"], robust["y_observed"]
    pm.StudentT("y", nu=nu, mu=mu, sigma=sigma, observed=y, dims="obs")
    draws_t = pm.sample(**options)
    pm.compute_log_likelihood(draws_t, progressbar=False)

# %% [markdown]
# `Posterior.from_draws` reads the draws, and has the tables of any other posterior. The scale `sigma` is 15 instead of
# 26: it is that of the many measurements which lie close to their lines, and no longer an sd. With about 3 degrees of
# freedom, single days may be far off and do not pull at the line.

# %%
post_t = blm.Posterior.from_draws(model, draws_t)
post_t

# %%
az.summary(draws_t, var_names=["nu", "sigma"])

# %% [markdown]
# ## A residual sd for each subject
#
# R: `brm(bf(..., sigma ~ (1 | Subject)))`. The log of each subject's sd is that of a typical one, `sigma`, and a normal
# deviation. `index_Subject` is the subject of each row.

# %%
with model.pymc_model(likelihood=False) as uneven:
    spread = pm.HalfNormal("spread", 0.5)
    deviation = pm.Normal("deviation", dims="Subject")
    sds = uneven["sigma"] * pm.math.exp(spread * deviation)
    sds = pm.Deterministic("sigma_Subject", sds, dims="Subject")
    sd = sds[uneven["index_Subject"]]
    pm.Normal("y", uneven["mu"], sd, observed=uneven["y_observed"], dims="obs")
    draws_sd = pm.sample(**options)
    pm.compute_log_likelihood(draws_sd, progressbar=False)

post_sd = blm.Posterior.from_draws(model, draws_sd)
post_sd.diagnostics()

# %%
by_subject = draws_sd.posterior["sigma_Subject"].stack(sample=("chain", "draw"))
ends = by_subject.quantile([0.025, 0.5, 0.975], dim="sample").to_pandas().T.sort_values(0.5)
figure, ax = plt.subplots(figsize=(7, 4), layout="constrained")
ax.hlines(ends.index, ends[0.025], ends[0.975], lw=1)
ax.plot(ends[0.5], ends.index, "o", ms=4)
ax.axvline(post.sigma, ls="--", lw=1, color="grey")
labels = ax.set(xlabel="residual sd, ms (dashed: the normal model's, for all)", ylabel="subject")

# %% [markdown]
# The sd of subject 332 is about four times that of 309. In the normal model 332, with its wild days, counts as much as
# the steady ones.
#
# ## Which predicts better?
#
# R: `loo_compare(loo(a), loo(b), loo(c))`. What all three are asked is the same: the density of a row, given all
# others. For the normal model `post.loo()` integrates the random effects out exactly; for the other two ArviZ has the
# log likelihood of each row given its random effects, `az.loo`. There Pareto k is the one to watch: where it is above
# 0.7, a row changes the posterior too much when it is left out, and the estimate for it is not to be relied on.

# %%
elpds = {
    "normal": post.loo().elpd,
    "Student-t": az.loo(draws_t, var_name="y", pointwise=True),
    "sd by subject": az.loo(draws_sd, var_name="y", pointwise=True),
}
az.compare(elpds, round_to="none")[["elpd", "se", "elpd_diff", "dse", "p"]].round(1)

# %%
large = {name: int((elpd.pareto_k > 0.7).sum()) for name, elpd in elpds.items()}
pd.Series(large, name="rows with k above 0.7")

# %% [markdown]
# Both are ahead of the normal model by 25 or more, about twice the standard error of the difference. Which of the two
# is ahead of the other cannot be told from this: the number for the second rests on too many rows for which it cannot
# be relied on. A subject's sd is learned from ten rows, and the wildest of them matters a lot. One could leave these
# rows out one at a time and sample again. For the question of the study it does not matter, as the next table shows.
#
# ## Does it matter?
#
# The mean slope is about the same by all three; it is the mean of 18 slopes, and no single day decides it. Single
# subjects do change. With heavy tails the wild days of 308 and 332 are taken for chance, and their slopes are steeper.
# With sds of their own these two are known to be restless, and their intervals get wider.

# %%
posteriors = {"normal": post, "Student-t": post_t, "sd by subject": post_sd}
pd.concat({name: p.contrast("Days").table for name, p in posteriors.items()}).droplevel(1).round(2)

# %%
shown = ["estimate", "lower", "upper"]
slopes = {name: p.coef().query("term == 'Days'").set_index("level") for name, p in posteriors.items()}
pd.concat({name: t.loc[["308", "332"], shown] for name, t in slopes.items()}, axis=1).round(1)

# %% [markdown]
# ## What then still holds
#
# What is read off the parameters holds for any likelihood: `summary`, `coef`, `ranef`, `contrast`, `means`, `slopes`,
# `hypothesis`, `diagnostics`, and `predict` for the expected response, here of somebody new on the ninth day.

# %%
somebody = {"Days": [9], "Subject": ["somebody"]}
post_t.predict(somebody, new_levels="population", interval="confidence", seed=1).round(1)

# %%
post_t.hypothesis(["Days > 8", "sd_Subject[Days] > 5"])

# %% [markdown]
# What speaks of measurements takes them to be normal with sd `sigma`. That would be wrong, and so it is refused: `loo`,
# `logo`, `check`, `posterior_predictive`, `icc`, `bayes_r2`, `prior_sensitivity`, `apa`, `report`, prediction
# intervals.

# %%
try:
    post_t.check()
except blm.errors.ArgumentError as error:
    print(error)

# %% [markdown]
# PyMC makes data sets by your model. Here the least and the greatest reaction time of the data, and their place among
# those of 4000 made by each: shares near 0 or 1 would say that the model does not make such data.

# %%
shares = {}
for name, context, draws in (("Student-t", robust, draws_t), ("sd by subject", uneven, draws_sd)):
    with context:
        made = pm.sample_posterior_predictive(draws, random_seed=1, progressbar=False)
    y = made.posterior_predictive["y"]
    shares[name] = {
        "least": float((y.min("obs") < sleep["Reaction"].min()).mean()),
        "greatest": float((y.max("obs") > sleep["Reaction"].max()).mean()),
    }
pd.DataFrame(shares).round(2)

# %% [markdown]
# The Student-t model makes lower times than were ever seen: its tails are long on both sides, and for all subjects
# alike. That speaks for sds by subject, whatever `loo` says; and for a person who knows how the wild days came about.
#
# The page "Terms of your own" of the documentation has a third example, a response that a device could not measure and
# that is treated as censored, and all names that are in the model.
