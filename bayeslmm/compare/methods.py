"""The ways in which textbooks analyse grouped data: what each assumes, and when it misleads."""

from dataclasses import dataclass

OLS = "OLS"
HC1 = "OLS, clustered (HC1)"
CR2 = "OLS, clustered (CR2)"
WILD = "OLS, wild bootstrap"
MEANS = "cluster means"
FIXED = "fixed effects"
INTERACTION = "fixed effects x slopes"
INTERCEPT = "random intercept"
SLOPES = "random slopes"
BAYES = "Bayesian"


@dataclass(frozen=True, slots=True)
class Method:
    """One method: what it assumes, in a clause, and when it misleads."""

    assumes: str
    misleads: str


METHODS = {
    OLS: Method(
        "rows are independent, whatever cluster they are from",
        "where rows of one cluster are alike: standard errors of what varies between them are too small, and a slope "
        "mixes what holds within and between",
    ),
    HC1: Method(
        "rows are independent between clusters only, and these are many",
        "with few clusters (fewer than about 40): too many small p-values; the estimate is still that of OLS",
    ),
    CR2: Method(
        "as above; small samples are allowed for (Bell & McCaffrey)",
        "where the degrees of freedom fall below about 4, the tail is a guess; the estimate is still that of OLS",
    ),
    WILD: Method(
        "as above; errors of a cluster may change sign together",
        "where one or two clusters decide a coefficient, or with 5 clusters or fewer, it can hardly reject anything",
    ),
    MEANS: Method(
        "one mean per cluster says it all",
        "for a predictor that varies within clusters: this is the slope between them, and may have the other sign",
    ),
    FIXED: Method(
        "clusters differ in level only, by constants of their own, and are the only ones of interest",
        "where slopes differ between clusters: the standard error is too small for any other cluster; what is constant "
        "within them cannot be estimated",
    ),
    INTERACTION: Method(
        "each cluster has a line of its own, unrelated to the others'",
        "with few rows each: the average of noisy lines; it holds for these clusters, not for others like them",
    ),
    INTERCEPT: Method(
        "clusters are a sample that differs in level only, normally distributed, unrelated to the predictors",
        "where slopes differ between clusters: the standard error of a slope is too small",
    ),
    SLOPES: Method(
        "clusters are a sample that differs in level and slope, jointly normal",
        "with few clusters: variances are poorly known and may be estimated as zero, and the test goes on as if known",
    ),
    BAYES: Method(
        "the model as written, and its priors",
        "where few clusters leave the priors of the sds a say: see post.prior_sensitivity()",
    ),
}
RM_ANOVA = Method(
    "each subject has every cell once; differences between cells vary equally (sphericity), or are corrected for",
    "with missing cells, numeric predictors or few subjects; it tests whether cells differ, not by how much",
)
