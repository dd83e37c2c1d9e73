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
# # A singular fit, and what it can still tell
#
# Salary by grade, 25 graduates of five majors: a textbook example of Simpson's paradox that ends in the message
# `boundary (singular) fit`. This page goes from the wrong regression to an answer, first as R would, then with the
# posterior of the same model. If you know `lm`, `lmer` and `brm`, you know the names.

# %%
import bayeslmm as blm

salary = blm.datasets.load("salary")
blm.datasets.describe("salary")

# %%
salary[["salary", "grade", "major"]].groupby("major", observed=True).agg(["mean", "std"]).round(2)

# %% [markdown]
# ## One line for everybody
#
# R: `summary(lm(salary ~ grade, salary))`. The sign is wrong, because the majors are left out.

# %%
blm.lm("salary ~ grade", salary)

# %% [markdown]
# ## A level for each major
#
# R: `summary(lmerTest::lmer(salary ~ 1 + grade + (1 | major), salary))`. Within the majors the sign turns, and the
# digits are those of `lmerTest`: REML, Satterthwaite's degrees of freedom.

# %%
levels = blm.lmer("salary ~ 1 + grade + (1 | major)", salary)
levels

# %%
print(f"ICC {levels.icc():.3f}")
levels.confint()

# %% [markdown]
# ## A slope for each major
#
# Now the fit is singular, and the warning says where.

# %%
fit = blm.lmer("salary ~ 1 + grade + (1 + grade | major)", salary)

# %%
fit

# %% [markdown]
# The correlation is estimated at its largest possible value: a point on the boundary, where five majors cannot say
# more. The optimum there is proven (`fit.converged` rests on the gradient and the multipliers at the boundary, not on
# an optimiser's word), and `fit.singularities` holds the reasons.

# %%
for reason in fit.singularities:
    print(reason.sentence)
print("a proven optimum:", fit.converged)

# %% [markdown]
# `optimizer="bobyqa"` goes lme4's way and stops where lme4 stops, a little above the optimum. If you compare with
# printed lme4 output, this is where the last digits differ.

# %%
lme4 = blm.lmer("salary ~ 1 + grade + (1 + grade | major)", salary, optimizer="bobyqa")
print(f"criterion: lme4 stops {lme4.criterion - fit.criterion:.1e} above the optimum")
lme4.tests()

# %% [markdown]
# Tables come as pandas objects: `fixef`, `vcov`, `varcorr`, `ranef()`, `coef()`.

# %%
fit.ranef()

# %% [markdown]
# ## The posterior of the same model
#
# The same formula with priors: `fit.sample()`, or `blm.brm(formula, data)`. Random effects and coefficients are
# integrated out exactly, and NUTS samples the handful of parameters that is left, in a fraction of a second (the very
# first time on a machine, some loops are compiled, which takes about 15 seconds). The priors are weak, in the units of
# the response, and each of them can be replaced by name.

# %%
fit.model.priors

# %%
post = fit.sample(seed=1, progressbar=False)
post

# %%
post.diagnostics()

# %% [markdown]
# ## Side by side
#
# One table, and a flag where the two would lead to different conclusions. The correlation that REML puts at 1 is
# anybody's guess. And the posterior is less sure of `grade`: REML's test rests on an sd of the slopes of 0.35, an
# estimate from the boundary, where the posterior allows for much more.

# %%
comparison = blm.compare(fit, post)
comparison

# %%
axes = comparison.plot()

# %% [markdown]
# ## What is known about slopes decides
#
# Five majors cannot tell how much slopes differ. Who knows more than the data can say so in the prior of that sd: here,
# that slopes hardly differ by more than 2.

# %%
knowing = blm.brm(
    "salary ~ 1 + grade + (1 + grade | major)",
    salary,
    priors={"sd_major[grade]": blm.HalfNormal(1)},
    seed=1,
    progressbar=False,
)
knowing.summary().fixed

# %%
for name, posterior in {"default": post, "HalfNormal(1)": knowing}.items():
    slope = posterior.data["posterior"]["beta"].sel(coef="grade")
    print(f"{name}: the mean slope is positive with probability {float((slope > 0).mean()):.3f}")

# %% [markdown]
# ## What partial pooling does
#
# Each major alone, all majors in one, and in between.

# %%
pooled = blm.pooling(fit, post)
pooled

# %%
axes = pooled.plot_lines()

# %%
axes = pooled.plot()

# %% [markdown]
# ## With more majors it is another story
#
# `simulate_salary` makes data of the same kind and returns the truth with them. With 60 majors of 20 graduates, whose
# slopes differ by an sd of 1, the fit is not singular, and the estimates can be held against the truth.

# %%
simulated, intercepts, slopes = blm.datasets.simulate_salary(n=1200, groups=60, sigma=(6, 1, 3), seed=2)
more = blm.lmer("salary ~ 1 + grade + (1 + grade | major)", simulated)
more

# %%
lower, upper = more.confint().loc["grade"]
print(f"singular: {more.is_singular}; sd of the slopes: {more.varcorr['sd'].iloc[1]:.2f} (true: 1)")
print(f"mean slope: {lower:.2f} to {upper:.2f} (true: 2)")

# %%
estimated = more.coef().query("term == 'grade'").set_index("level")["estimate"]
print(f"correlation of estimated and true slopes of the majors: {estimated.corr(slopes):.2f}")
