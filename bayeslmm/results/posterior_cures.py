"""What the findings of `post.check()` mean, and what to try: in words, and as code."""

from bayeslmm.design import Design
from bayeslmm.results.findings import Finding

CLEAR, SEEN = 0.01, 0.05
LOG = "the logarithm of the response"
MEANING = {  # why it matters, what to try, and the code for it; None: the model of the transformed response
    "mean": ("the level of the response is missed", "wider priors of the coefficients", "model.priors"),
    "sd": (
        "the response varies more, or less, than the model can say",
        "wider priors of sigma and of the sds",
        "model.priors",
    ),
    "minimum": ("the smallest responses are not those of a normal distribution", LOG, None),
    "maximum": ("the largest responses are not those of a normal distribution", LOG, None),
    "skewness": (
        "the response leans to one side more than the model does: intervals for new rows are wrong",
        LOG,
        None,
    ),
    "sd of means": (
        "the levels differ more, or less, than their distribution says: so will new levels",
        "a predictor that tells the levels apart, or a wider prior of their sd",
        "model.priors",
    ),
    "sd of log sds": (
        "levels differ in their spread: precise ones count too little",
        "weights of the rows, one over the variance of their level",
        'blm.Model(..., weights="w")',
    ),
    "share between": (
        "rows of a level are more, or less, alike than the model says",
        "a random slope of a predictor that varies within levels, or a wider prior of the sds",
        "post.icc()",
    ),
    "autocorrelation": (
        "residuals follow each other: standard errors are too small",
        "time among the predictors, and its slope among the random effects",
        'blm.Model("... + time + (time | g)", data)',
    ),
    "sd with mean": ("residuals spread with the mean: intervals are too wide here, too narrow there", LOG, None),
    "LOO-PIT": (
        "single rows are predicted with wrong uncertainty",
        "the cures of the other lines, after a look at the picture",
        "post.check().plot()",
    ),
}


def finding(name: str, p: float, seen: str, value: float, design: Design | None = None) -> Finding:
    """What a p-value says, why it matters, and what to try."""
    why, cure, do = MEANING[name]
    if do is None:
        cure, do = transformed(design)
    severity = 2 if p <= CLEAR else 1 if p <= SEEN else 0
    return Finding(name, severity, seen, value, f"{why}. Try {cure}", do)


def transformed(design: Design | None) -> tuple[str, str]:
    """Another scale of the response, in words and as code."""
    if design is None or (design.y <= 0).any() or "(" in design.response:
        return "another scale of the response, and look at its most extreme rows", "post.check().plot()"
    return f"{LOG}, and look at its most extreme rows", f'blm.Model("log({design.response}) ~ ...", data)'
