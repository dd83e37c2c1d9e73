"""Arguments and options that several commands have, each declared once."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

Formula = Annotated[str, Argument(help='lme4-style formula, in quotes: "y ~ x + (x | g)".')]
Data = Annotated[str, Argument(help="A csv, tsv or parquet file, or a packaged data set's name.")]
MaybeData = Annotated[str | None, Argument(help="A csv, tsv or parquet file, or a packaged data set's name.")]

Ml = Annotated[bool, Option("--ml", help="Maximum likelihood instead of REML.")]
Ddf = Annotated[
    str,
    Option(
        help="Degrees of freedom: satterthwaite, kenward-roger, containment, residual or asymptotic.",
        metavar="METHOD",
    ),
]
Optimizer = Annotated[str, Option(help="bobyqa stops where lme4 stops.", metavar="lbfgs|bobyqa|nelder-mead")]
Level = Annotated[float, Option(help="Of the intervals.", metavar="P", min=0.01, max=0.9999)]

Weights = Annotated[str | None, Option(help="Column of prior weights.", metavar="COLUMN")]
Offset = Annotated[str | None, Option(help="Column of the offset.", metavar="COLUMN")]
Cluster = Annotated[
    str | None,
    Option(help="Of a formula without bars: errors and tests robust to it; batch:cask is both.", metavar="COLUMN"),
]
Contrasts = Annotated[
    list[str] | None,
    Option(help="Coding of a factor: treatment, sum, helmert or poly. May be repeated.", metavar="FACTOR=CODING"),
]

Bayes = Annotated[bool, Option("--bayes", help="Sample the posterior too, and compare.")]
FromPosterior = Annotated[bool, Option("--bayes", help="Of the posterior of the same model.")]
Engine = Annotated[str, Option(help="marginal, importance or hierarchical: the same posterior.", metavar="ENGINE")]
Prior = Annotated[
    list[str] | None,
    Option(help='"sd=HalfNormal(5)", "grade=StudentT(3, 0, 2)", or flat. May be repeated.', metavar="NAME=PRIOR"),
]
Draws = Annotated[int, Option(help="Draws of each chain.", metavar="N", min=4)]
Tune = Annotated[
    int | None, Option(help="Tuning steps of each chain.", metavar="N", min=10, show_default="the engine's")
]
Chains = Annotated[int, Option(help="Number of chains.", metavar="N", min=1)]
TargetAccept = Annotated[
    float | None,
    Option(
        help="Nearer to 1: smaller steps, fewer divergences.",
        metavar="P",
        min=0.01,
        max=0.999,
        show_default="the engine's",
    ),
]
Seed = Annotated[int | None, Option(help="Seed of the random numbers.", metavar="N", min=0)]
FixedSeed = Annotated[int, Option(help="Seed of the random numbers.", metavar="N", min=0)]

Focal = Annotated[
    list[str] | None,
    Option(help="An effect that matters: a coefficient or a combination. May be repeated.", metavar="EFFECT"),
]
By = Annotated[list[str] | None, Option(help="Once for each of its values. May be repeated.", metavar="PREDICTOR")]
At = Annotated[
    list[str] | None,
    Option(help="Where a predictor is held: Days=0,9. May be repeated; else at its mean.", metavar="NAME=VALUES"),
]
CellWeights = Annotated[
    str, Option("--cells", help="Over the other factors: equal, proportional or cells.", metavar="WEIGHTS")
]
Adjust = Annotated[str | None, Option(help="For several tests: holm, bonferroni, fdr, tukey, mvt.", metavar="METHOD")]
Test = Annotated[str, Option("--method", help="chisq, or boot: by simulation.", metavar="chisq|boot")]
Refits = Annotated[int, Option("--n", help="Number of simulated data sets.", metavar="N", min=2)]

Folder = Annotated[Path | None, Option("--out", help="Folder for tables, pictures and the report.", metavar="DIR")]
TableFile = Annotated[
    Path | None, Option("--out", help="File for the table: .csv, .md, .tex, .txt or .json.", metavar="FILE")
]
Json = Annotated[bool, Option("--json", help="Print one JSON document and nothing else.")]
