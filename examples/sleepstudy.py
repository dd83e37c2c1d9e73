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
# # sleepstudy: REML and Bayes side by side
#
# The data with which `lme4` is taught, from the first picture to the paragraph for the paper, first by REML and then
# with the posterior of the same model. Each step names the line of R that it stands for.

# %%
import matplotlib.pyplot as plt

import bayeslmm as blm

sleep = blm.datasets.load("sleepstudy")
blm.datasets.describe("sleepstudy")

# %% [markdown]
# ## The data
#
# R: `lattice::xyplot(Reaction ~ Days | Subject, sleepstudy)`. Most subjects get slower by the day, by very different
# amounts; 335 does not get slower at all, and single days of 332 and 308 stand far off their lines.

# %%
figure, axes = plt.subplots(3, 6, figsize=(9, 5), sharex=True, sharey=True, layout="constrained")
for ax, (subject, rows) in zip(axes.flat, sleep.groupby("Subject", observed=True), strict=True):
    ax.plot(rows["Days"], rows["Reaction"], "o-", ms=3, lw=0.8)
    ax.set_title(subject, fontsize=9)
figure.supxlabel("days of sleep deprivation")
text = figure.supylabel("reaction time, ms")

# %% [markdown]
# ## The model
#
# `blm.explain` says what a formula means before anything is fitted, and `blm.advise` whether it suits the data.

# %%
formula = "Reaction ~ Days + (Days | Subject)"
blm.explain(formula, sleep)

# %% [markdown]
# ## REML
#
# R: `summary(lmerTest::lmer(Reaction ~ Days + (Days | Subject), sleepstudy))`. The digits are those of `lmerTest`. A
# typical subject needs 251 ms when rested and 10.5 ms more with each day. The slopes of subjects differ by an sd of
# 5.9, more than half of their mean; so some subjects may not get slower at all.

# %%
fit = blm.lmer(formula, sleep)
fit

# %% [markdown]
# R: `confint(m, method = "Wald")` and `confint(m)`. Wald intervals exist for the coefficients only. The profile takes
# in that the sds are estimated, and its intervals of sds are not symmetric. About the correlation little is known.

# %%
fit.confint().round(2)

# %%
fit.confint("profile").round(2)

# %% [markdown]
# R: `lattice::xyplot(profile(m))`. A straight line means that a Wald interval would do. The lines of the coefficients
# bend a little at the ends, as t intervals would; those of the sds bend more.

# %%
axes = fit.plot.profile(width=9)

# %% [markdown]
# ## Does the model hold?
#
# R: `performance::check_model(m)`, or `DHARMa`. One table in words, the worst first, and one page of pictures. Two
# things are seen: a few days are far from the line of their subject (row 56 is day 6 of 332), and some subjects scatter
# more than others.

# %%
fit.check()

# %%
axes = fit.plot.diagnostics(width=9)

# %% [markdown]
# R: `influence(m, "Subject")`. Each subject is left out and the model refitted. Nobody decides the result: a Cook's
# distance of 1 would be much, and no coefficient moves by more than 0.56 of its standard errors (`dfbetas`).

# %%
fit.influence("Subject").table.nlargest(4, "cooks").round(3)

# %% [markdown]
# ## Tests
#
# R: `ranova(m)`. That subjects differ in their slopes is beyond doubt. The p-value of the table is that of R, from the
# plain chi-square, which is too large where a variance of zero is tested; the last line has that of the mixture of
# chi-squares which holds there.

# %%
fit.ranova()

# %% [markdown]
# R: `anova(m0, m)`. For a coefficient both models are fitted again by maximum likelihood, as R does. The F test of
# `anova(m)` does without, and has degrees of freedom of the denominator: here by Kenward and Roger.

# %%
flat = blm.lmer("Reaction ~ 1 + (Days | Subject)", sleep)
flat.anova(fit)

# %%
fit.anova(ddf="kenward-roger")

# %% [markdown]
# Is the correlation needed? R: `lmer(Reaction ~ Days + (Days || Subject), sleepstudy)`. The simpler model is as good.

# %%
blm.lmer("Reaction ~ Days + (Days || Subject)", sleep).anova(fit)

# %% [markdown]
# ## Means, slopes, predictions
#
# R: `emmeans(m, ~ Days, at = list(Days = c(0, 5, 9)))`, `emtrends(m, ~ 1, "Days")`. The band of the picture is that of
# the mean; the points are measurements.

# %%
fit.means("Days", at={"Days": [0, 5, 9]})

# %%
fit.slopes("Days")

# %%
axes = fit.plot.effects("Days")

# %% [markdown]
# R: `predict(m, new, allow.new.levels = TRUE)`; `merTools::predictInterval` for the intervals. The ninth day of a
# subject of the study, and of somebody new, whose level and slope are not known, so that `se` is more than four times
# as large. "confidence" is the interval of that person's mean, "prediction" that of one measurement.

# %%
new = {"Days": [9, 9], "Subject": ["308", "somebody"]}
fit.predict(new, new_levels="population", interval="confidence").round(1)

# %%
fit.predict(new, new_levels="population", interval="prediction").round(1)

# %% [markdown]
# ## The posterior of the same model
#
# R: `brms::brm(Reaction ~ Days + (Days | Subject), sleepstudy)`. First the priors, in the units of the response. What
# they say is seen best in the lines that they imply: means from below zero to three quarters of a second, and slopes of
# either sign. These priors know the unit of the data, and not much more.

# %%
fit.model.priors

# %%
axes = fit.model.plot.priors()

# %%
post = fit.sample(seed=1, progressbar=False)
post

# %%
post.diagnostics()

# %%
axes = post.plot.prior_posterior(width=9)

# %% [markdown]
# R: `priorsense::powerscale_sensitivity(b)`. No parameter reacts to a change of its prior.

# %%
post.prior_sensitivity()

# %% [markdown]
# ## Side by side
#
# Both lead to the same conclusions. The posterior's intervals are a little wider, since they allow for other values of
# the sds.

# %%
comparison = blm.compare(fit, post)
comparison

# %%
axes = comparison.plot(width=9)

# %% [markdown]
# What the posterior adds are probabilities of statements about parameters. R: `brms::hypothesis(b, "Days > 8")`.

# %%
post.hypothesis(["Days > 8", "sd_Subject[Days] > 5", "cor_Subject > 0"])

# %% [markdown]
# ## What partial pooling does
#
# Three estimates of each subject: alone (dashed), as everybody (dotted), and in between. With ten days each, the lines
# of partial pooling lie close to the subjects' own, by REML and by Bayes alike; 330, 350 and 370 move most.

# %%
pooled = blm.pooling(fit, post)
axes = pooled.plot_lines(width=9)

# %%
axes = pooled.plot(width=9)

# %%
pooled.movers().round(2)

# %% [markdown]
# ## How well does it predict?
#
# R: `loo(b)`, and `kfold(b, group = "Subject")`: leaving out a measurement, or a whole subject. The second is what
# matters for new subjects. Random effects and coefficients are integrated out exactly for each of them, so that only
# the sds and the correlation are reweighted; for one subject, 332 with the outlying day, even these change too much,
# and the table says so.

# %%
post.loo()

# %%
post.logo("Subject")

# %% [markdown]
# R: `pp_check(b)`. The densities agree. The table finds what they cannot show: residuals of successive days are
# correlated, as no data of the model are, and subjects differ in how much their times scatter. The first says that
# lines are too simple for some subjects (308 and 332 above), the second that their residual sds differ. The slope's
# mean rests on 18 slopes, one from each subject, and is hardly touched by either; predictions of single days are.

# %%
post.check()

# %%
axes = post.plot.predictive()

# %% [markdown]
# ## For the paper
#
# `fit.apa()` and `post.apa()` are the paragraphs to copy. `fit.report("sleepstudy.html")` writes one page with tables
# and pictures for the co-authors, and `post.report` another; these are the sections of the first.

# %%
fit.apa()

# %%
post.apa()

# %%
[section.title for section in fit.report().sections]
