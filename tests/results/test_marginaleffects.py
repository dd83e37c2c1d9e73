"""The package marginaleffects takes our fits, and says what our own verbs say."""

import marginaleffects as me
import numpy as np
import pytest

import bayeslmm as blm
from bayeslmm.errors import ArgumentError, DataError

CAKE = blm.datasets.load("cake")


@pytest.fixture(scope="module")
def cake():
    return blm.lmer("angle ~ recipe * temp + (1 | recipe:replicate)", CAKE)


def test_predictions_are_marginal_means(cake):
    model = cake.marginaleffects(CAKE)
    grid = me.datagrid(model=model, recipe=["A", "C"], temp=[175, 225])
    found = me.predictions(model, newdata=grid)
    ours = cake.means(["recipe", "temp"], at={"recipe": ["A", "C"], "temp": [175, 225]}, ddf="asymptotic").table
    ours = ours.sort_values(["recipe", "temp"])
    np.testing.assert_allclose(found["estimate"].to_numpy(), ours["estimate"], rtol=1e-10)
    np.testing.assert_allclose(found["std_error"].to_numpy(), ours["se"], rtol=1e-4)


# a call inside of marginaleffects
@pytest.mark.filterwarnings("ignore:.*get_categories:DeprecationWarning")
def test_comparisons_of_a_factor(cake):
    found = me.avg_comparisons(cake.marginaleffects(CAKE), variables="recipe")
    ours = cake.contrasts("recipe", "trt.vs.ctrl").table
    assert found["contrast"].to_list() == ["B - A", "C - A"]
    np.testing.assert_allclose(found["estimate"].to_numpy(), ours["estimate"], rtol=1e-8)
    np.testing.assert_allclose(found["std_error"].to_numpy(), ours["se"], rtol=1e-4)


def test_slopes_and_hypotheses(cake):
    model = cake.marginaleffects(CAKE)
    slope = me.avg_slopes(model, variables="temp")
    ours = cake.slopes("temp").table
    np.testing.assert_allclose(slope["estimate"].to_numpy(), ours["estimate"], rtol=1e-6)
    # marginaleffects differentiates a difference numerically, which costs most of its digits
    np.testing.assert_allclose(slope["std_error"].to_numpy(), ours["se"], rtol=0.1)
    test = me.hypotheses(model, hypothesis="b1 - b2 = 0")
    contrast = cake.contrast("recipeB - recipeC = 0").table
    np.testing.assert_allclose(test["estimate"].to_numpy(), contrast["estimate"], rtol=1e-8)


def test_functions_in_the_formula_and_rows_that_were_left_out():
    data = blm.datasets.load("sleepstudy")
    data.loc[[3, 17], "Reaction"] = np.nan
    fit = blm.lmer("log(Reaction) ~ poly(Days, 2) + (1 | Subject)", data)
    model = fit.marginaleffects(data)
    found = me.predictions(model)
    assert len(found) == 178
    np.testing.assert_allclose(found["estimate"].to_numpy(), fit.predict(re="none"), rtol=1e-8)


def test_other_data_are_refused(cake):
    with pytest.raises(DataError, match="the data have no column `temp`"):
        cake.marginaleffects(CAKE.drop(columns="temp"))
    with pytest.raises(DataError, match="the data have 10 rows, those of the fit 270"):
        cake.marginaleffects(CAKE.head(10))
    with pytest.raises(ArgumentError, match="its own covariance"):
        me.predictions(cake.marginaleffects(CAKE), vcov="HC3")
