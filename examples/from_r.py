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
# # From R: what is called what, and where answers differ
#
# One data set, first in the words of lme4, lmerTest, emmeans, performance and brms, then in Python. What R prints is
# quoted from R 4.2.2 with lme4 1.1-31, lmerTest 3.1-3, emmeans 1.8.4-1, pbkrtest 0.5.2, performance 0.10.2
# and brms 2.18.0.
#
# The data are `Machines` of nlme: six workers, three brands of machine, three scores each. Ten of the 54 scores are
# taken away, as Pinheiro and Bates (2000) do to show unbalanced data; in balanced data most defaults agree.

# %%
import numpy as np

import bayeslmm as blm

machines = blm.datasets.load("machines")
# in R: d$score[c(2, 3, 6, 8, 9, 12, 19, 20, 27, 33)] <- NA
machines.loc[[1, 2, 5, 7, 8, 11, 18, 19, 26, 32], "score"] = np.nan

# %% [markdown]
# ## Fit and summary
#
# ```r
# library(lmerTest)
# m <- lmer(score ~ Machine + (1 | Worker/Machine), d)
# summary(m)
# ```
#
# ```text
#  Groups         Name        Variance Std.Dev.
#  Machine:Worker (Intercept) 14.2353  3.7730
#  Worker         (Intercept) 22.4504  4.7382
#  Residual                    0.8709  0.9332
# Number of obs: 44, groups:  Machine:Worker, 18; Worker, 6
#
# Fixed effects:
#             Estimate Std. Error     df t value Pr(>|t|)
# (Intercept)   52.354      2.490  8.723  21.022 8.93e-09 ***
# MachineB       7.962      2.215 10.197   3.595  0.00474 **
# MachineC      13.918      2.209 10.101   6.299 8.53e-05 ***
# ```

# %%
fit = blm.lmer("score ~ Machine + (1 | Worker/Machine)", machines)
fit

# %% [markdown]
# **Optimiser.** The formula is the same, the numbers agree to three or four digits, and then do not: 22.4504 and
# 22.4558. lme4's default optimiser stops a little before the optimum, this one goes on until the gradient is zero; its
# criterion is the lower one. `optimizer="bobyqa"` stops where lme4 stops.

# %%
stopped = blm.lmer("score ~ Machine + (1 | Worker/Machine)", machines, optimizer="bobyqa")
for name, one in {"default": fit, "bobyqa": stopped}.items():
    worker = one.varcorr["vcov"].iloc[1]
    print(f"{name:8} REMLcrit {one.criterion:.8f}   variance of Worker {worker:.4f}")

# %% [markdown]
# **Missing values.** R drops rows (`na.action = na.omit`) and leaves it to `nobs(m)`, 44, to tell. Here the summary
# says so, and `fit.missing()` tells where they were.

# %%
fit.missing()

# %% [markdown]
# ## Parts of the fit
#
# ```r
# fixef(m); coef(summary(m)); as.data.frame(VarCorr(m)); ranef(m)
# ```
#
# ```text
#              grp        var1 var2      vcov     sdcor
# 1 Machine:Worker (Intercept) <NA> 14.235306 3.7729705
# 2         Worker (Intercept) <NA> 22.450373 4.7381825
# 3       Residual        <NA> <NA>  0.870869 0.9332036
# ```

# %%
fit.varcorr

# %%
fit.tests().round(4)

# %%
fit.ranef().head(3).round(3)

# %% [markdown]
# ## Intervals
#
# ```r
# confint(m)
# ```
#
# ```text
#                  2.5 %    97.5 %
# .sig01       2.3791085  5.498943
# .sig02       1.8798870  9.354293
# .sigma       0.7274193  1.256267
# (Intercept) 47.3967260 57.316833
# MachineB     3.6645453 12.266842
# MachineC     9.6280610 18.212152
# ```
#
# **Default.** `confint(m)` profiles. `fit.confint()` is Wald's, `confint(m, method = "Wald")`; the profile is asked
# for. Rows have names that say what they are: `.sig01` is the sd of `Machine:Worker`.

# %%
fit.confint("profile").round(4)

# %% [markdown]
# ## Tests
#
# ```r
# anova(m)                          # Satterthwaite
# anova(m, ddf = "Kenward-Roger")
# ranova(m)
# ```
#
# ```text
#         Sum Sq Mean Sq NumDF  DenDF F value    Pr(>F)
# Machine 34.771  17.386     2 10.111  19.963 0.0003083 ***
#
# Machine 34.769  17.384     2 9.9982  19.962 0.0003227 ***
#
# (1 | Machine:Worker)    5 -119.740 249.48 57.608  1  3.199e-14 ***
# (1 | Worker)            5  -93.615 197.23  5.359  1    0.02061 *
# ```

# %%
fit.anova()

# %%
fit.anova(ddf="kenward-roger")

# %% [markdown]
# **Variances of zero.** The table of `ranova` is R's. Its p-values are too large, since a variance cannot be negative;
# the lines below the table have those that hold: 0.007 and not 0.021 for workers.

# %%
fit.ranova()

# %% [markdown]
# ## Means and comparisons
#
# ```r
# library(emmeans)
# emmeans(m, "Machine")
# pairs(emmeans(m, "Machine"))
# ```
#
# ```text
#  Machine emmean   SE   df lower.CL upper.CL
#  A         52.4 2.49 8.71     46.7     58.0
#  B         60.3 2.49 8.67     54.7     66.0
#  C         66.3 2.48 8.60     60.6     71.9
#
#  contrast estimate   SE    df t.ratio p.value
#  A - B       -7.96 2.21 10.08  -3.595  0.0122
#  A - C      -13.92 2.21  9.99  -6.299  0.0002
#  B - C       -5.96 2.21  9.92  -2.700  0.0538
#
# Degrees-of-freedom method: kenward-roger
# P value adjustment: tukey method for comparing a family of 3 estimates
# ```
#
# **Degrees of freedom.** emmeans takes Kenward and Roger's where pbkrtest is installed, lmerTest takes Satterthwaite's.
# Here all tables of a fit take Satterthwaite's unless told otherwise.

# %%
fit.means("Machine", ddf="kenward-roger")

# %%
fit.contrasts("Machine", ddf="kenward-roger")

# %% [markdown]
# **Tukey with unequal degrees of freedom.** emmeans takes for each comparison its own (10.08 for A - B), here the
# smallest is taken for all, so that the intervals hold together: 0.0125 and not 0.0122.
#
# **Contrasts of factors.** Treatment contrasts are the default of both, and sums are asked for in the same way. What
# differs are ordered factors: R codes them by polynomials, and so does bayeslmm, if the column is an ordered
# categorical.
#
# ```r
# fixef(lmer(score ~ Machine + (1 | Worker/Machine), d, contrasts = list(Machine = "contr.sum")))
# ```
#
# ```text
# (Intercept)    Machine1    Machine2
#  59.6475556  -7.2935572   0.6688906
# ```

# %%
blm.lmer("score ~ Machine + (1 | Worker/Machine)", machines, contrasts={"Machine": "sum"}).fixef

# %% [markdown]
# ## How much, and for whom
#
# ```r
# library(performance)
# icc(m); icc(m, by_group = TRUE); r2(m)
# predict(m, data.frame(Machine = c("A", "C"), Worker = c("1", "new")), allow.new.levels = TRUE)
# ```
#
# ```text
#     Adjusted ICC: 0.977
#
# Machine:Worker | 0.379
# Worker         | 0.598
#
#   Conditional R2: 0.988
#      Marginal R2: 0.464
#
#        1        2
# 52.08709 66.27222
# ```

# %%
print(f"icc {fit.icc():.3f}\n")
print(fit.icc(by_group=True).round(3).to_string(), "\n")
print(fit.r2().round(3).to_string())

# %%
fit.predict({"Machine": ["A", "C"], "Worker": ["1", "new"]}, new_levels="population")

# %% [markdown]
# ## The posterior
#
# ```r
# library(brms)
# b <- brm(score ~ Machine + (1 | Worker/Machine), d)
# prior_summary(b); fixef(b); VarCorr(b)
# ```
#
# ```text
#                    prior     class      coef          group
#                                  b
#                                  b  MachineB
#                                  b  MachineC
#  student_t(3, 61.9, 8.2) Intercept
#     student_t(3, 0, 8.2)        sd
#     student_t(3, 0, 8.2)     sigma
#
#           Estimate Est.Error  Q2.5 Q97.5
# Intercept    52.48      2.81 47.05 58.16
# MachineB      7.93      2.63  2.58 13.26
# MachineC     13.88      2.57  9.02 18.99
#
# Worker
#           Estimate Est.Error Q2.5 Q97.5
# Intercept     5.38      2.45 1.33 10.97
# Worker:Machine
#           Estimate Est.Error Q2.5 Q97.5
# Intercept     4.32      1.14  2.7  7.08
# residual__
#  Estimate Est.Error Q2.5 Q97.5
#      0.98      0.14 0.75   1.3
# ```
#
# **Priors.** brms has flat priors of coefficients, and one scale for all sds: the mad of the response, 8.2. Here
# coefficients have normal priors, wide ones: 2.5 sds of the response for one sd of the predictor. Scales of sds are the
# sd of the response, and that of a slope is divided by the sd of its predictor. Correlations have LKJ(2), those of brms
# LKJ(1). Every summary prints the priors with their reasons.

# %%
fit.model.priors

# %%
post = fit.sample(seed=1, progressbar=False)
post.summary().fixed[["estimate", "sd", "lower", "upper"]].round(2)

# %%
post.summary().random[["estimate", "sd", "lower", "upper"]].round(2)

# %% [markdown]
# Nothing is compiled for the model, and it takes less than a second: random effects and coefficients are integrated out
# exactly, and only sds and sigma are sampled. `hypothesis(b, "MachineB > 5")` has in R
#
# ```text
#   Estimate  CI.Lower CI.Upper Post.Prob
# 1 2.931987 -1.345445 7.087359   0.87925
# ```
#
# where the interval is one of 90%, as brms' are for one-sided hypotheses; here it is 95% as everywhere.

# %%
post.hypothesis("MachineB > 5")

# %% [markdown]
# The priors of brms can be had, and with them its numbers, up to what its draws leave open:

# %%
as_brms = {
    "beta": blm.Flat(),
    "Intercept": blm.StudentT(3, 61.9, 8.2),
    "sd": blm.HalfStudentT(3, 8.2),
    "sigma": blm.HalfStudentT(3, 8.2),
}
other = fit.model.with_priors(as_brms).sample(seed=1, progressbar=False)
other.summary().fixed[["estimate", "sd", "lower", "upper"]].round(2)

# %%
other.summary().random[["estimate", "sd", "lower", "upper"]].round(2)

# %% [markdown]
# ## Where defaults differ, in one table
#
# | | R | bayeslmm |
# |---|---|---|
# | optimiser | bobyqa of nlopt, until steps are small | quasi-Newton, until the gradient is 0; `optimizer="bobyqa"` |
# | df of tests | lmerTest: Satterthwaite; emmeans: Kenward-Roger | Satterthwaite in all tables; `ddf="kenward-roger"` |
# | `confint` | profile | Wald; `fit.confint("profile")` |
# | type of `anova(m)` | III | III; `fit.anova(type=2)` |
# | `ranova` | chi-square | the same, and the distribution that holds at zero |
# | `anova(m1, m2)` | refits by ML, always | refits by ML only where fixed parts differ |
# | Tukey with several df | each its own | the smallest for all |
# | missing values | dropped | dropped, and printed |
# | text columns | factors, levels in the order of the locale | factors, levels in alphabetical order |
# | ordered factors | polynomials | polynomials |
# | new levels in `predict` | an error | an error; `new_levels="population"`, of posteriors also `"sample"` |
# | singular fit | a message | a warning with the reason; `fit.reanalyse()` |
# | priors (brms) | flat; half-t with the mad of the response; LKJ(1) | normal; half-t by sds of the data; LKJ(2) |
# | sampling (brms) | all effects, 4 x 1000 draws by Stan | sds, correlations, sigma; 4 x 1000 draws, rest exact |
#
# The README has the whole table of names.
