"""The packaged data sets: what each one is, its columns with their units, where it was published."""

from dataclasses import dataclass
from textwrap import fill


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a data set.

    Attributes
    ----------
    description
        What it holds, with its unit.
    levels
        Levels of a factor, in R's order; None where the column is numeric.
    ordered
        Whether the factor is ordered, which gives it polynomial contrasts.
    """

    description: str
    levels: tuple[str, ...] | None = None
    ordered: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Dataset:
    """What a packaged data set is; prints as its documentation.

    Attributes
    ----------
    name
        What `load` takes.
    title, description
        What was measured, and how.
    rows
        Number of rows.
    columns
        Each column by its name, in order.
    source
        Where the data were published first, or that they are simulated.
    formula
        A model to start with.
    """

    name: str
    title: str
    description: str
    rows: int
    columns: dict[str, Column]
    source: str
    formula: str

    def __repr__(self) -> str:
        head = f"{self.name}: {self.title} ({self.rows} rows)"
        columns = [_hanging(name, _with_levels(column)) for name, column in self.columns.items()]
        return "\n\n".join(
            [
                head,
                fill(self.description, 88),
                "\n".join(columns),
                _hanging("Source", self.source),
                f"Try: {self.formula}",
            ]
        )


def factor(description: str, levels: str | tuple[str, ...]) -> Column:
    """A factor; the levels as a tuple, or as one text with spaces between."""
    return Column(description, tuple(levels.split()) if isinstance(levels, str) else levels)


def ordered(description: str, levels: str | tuple[str, ...]) -> Column:
    """An ordered factor."""
    return Column(description, factor(description, levels).levels, ordered=True)


def _with_levels(column: Column) -> str:
    if column.levels is None:
        return column.description
    shown = list(column.levels) if len(column.levels) <= 6 else [*column.levels[:3], "...", column.levels[-1]]
    kind = "ordered factor" if column.ordered else "factor"
    return f"{column.description} ({kind}: {(' < ' if column.ordered else ', ').join(shown)})"


def _hanging(name: str, text: str) -> str:
    return fill(f"{name}: {text}", 88, initial_indent="  ", subsequent_indent="      ")


DAVIES = (
    "Davies, O. L., & Goldsmith, P. L. (Eds.) (1972). Statistical Methods in Research and Production (4th ed.). "
    "Oliver and Boyd. Section {}. As `{}` in the R package lme4."
)
PINHEIRO = (
    "As `{}` in the R package nlme; see Pinheiro, J. C., & Bates, D. M. (2000). Mixed-Effects Models in S and S-PLUS. "
    "Springer."
)

_ALL = (
    Dataset(
        "salary",
        "Salary by grade within majors, simulated",
        "A textbook example of Simpson's paradox: within each of five majors a better grade goes with a higher "
        "salary, and majors with better grades pay less, so that a regression without majors gets the sign wrong. "
        "Five graduates of each major. The true intercept and slope of each major are in the data. With a random "
        "intercept and slope by major the REML fit is singular: five majors cannot tell the correlation.",
        25,
        {
            "ids": Column("number of the graduate within the major"),
            "major": factor("major", "a b c d e"),
            "grade": Column("grade, standardised"),
            "average_grade": Column("mean grade of the major"),
            "intercept": Column("true intercept of the major"),
            "slope": Column("true slope of grade in the major"),
            "salary": Column("salary, in arbitrary units (it can be negative)"),
        },
        "Simulated; `simulate_salary` makes more of the kind.",
        "salary ~ 1 + grade + (1 + grade | major)",
    ),
    Dataset(
        "sleepstudy",
        "Reaction times in a sleep deprivation study",
        "Average reaction time per day of 18 subjects who were allowed 3 hours of sleep per night, after their normal "
        "amount before day 0.",
        180,
        {
            "Reaction": Column("average reaction time, ms"),
            "Days": Column("days of sleep deprivation, 0 to 9"),
            "Subject": factor("subject", "308 309 310 330 331 332 333 334 335 337 349 350 351 352 369 370 371 372"),
        },
        "Belenky, G., Wesensten, N. J., Thorne, D. R., Thomas, M. L., Sing, H. C., Redmond, D. P., Russo, M. B., & "
        "Balkin, T. J. (2003). Patterns of performance degradation and restoration during sleep restriction and "
        "subsequent recovery: a sleep dose-response study. Journal of Sleep Research, 12, 1-12. As `sleepstudy` in the "
        "R package lme4.",
        "Reaction ~ Days + (Days | Subject)",
    ),
    Dataset(
        "penicillin",
        "Variation in penicillin testing",
        "Each of six samples of penicillin was tested on each of 24 plates: two completely crossed factors.",
        144,
        {
            "diameter": Column("diameter of the zone in which growth is inhibited, mm"),
            "plate": factor("assay plate", "a b c d e f g h i j k l m n o p q r s t u v w x"),
            "sample": factor("penicillin sample", "A B C D E F"),
        },
        DAVIES.format("6.6", "Penicillin"),
        "diameter ~ 1 + (1 | plate) + (1 | sample)",
    ),
    Dataset(
        "pastes",
        "Strength of a paste by batch and cask",
        "Three casks were taken at random from each of ten deliveries of a chemical paste, and each sample was assayed "
        "twice: casks are nested in batches, although their letters repeat.",
        60,
        {
            "strength": Column("strength of the paste"),
            "batch": factor("delivery batch", "A B C D E F G H I J"),
            "cask": factor("cask within the batch", "a b c"),
            "sample": factor(
                "cask, named across batches", tuple(f"{batch}:{cask}" for batch in "ABCDEFGHIJ" for cask in "abc")
            ),
        },
        DAVIES.format("6.5", "Pastes"),
        "strength ~ 1 + (1 | batch/cask)",
    ),
    Dataset(
        "cake",
        "Breakage angle of chocolate cakes",
        "A split-plot experiment: each of 15 replicates of three recipes was divided and baked at six temperatures. "
        "Replicate 1 of recipe A and replicate 1 of recipe B are different batters.",
        270,
        {
            "replicate": factor("replicate within the recipe", "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15"),
            "recipe": factor("recipe", "A B C"),
            "temperature": ordered("baking temperature, degrees F", "175 185 195 205 215 225"),
            "angle": Column("angle at which the cake broke, degrees"),
            "temp": Column("baking temperature as a number, degrees F"),
        },
        "Cook, F. E. (1938). Chocolate cake: I. Optimum baking temperature. Master's thesis, Iowa State College. "
        "Reported in Cochran, W. G., & Cox, G. M. (1957). Experimental Designs (2nd ed.). Wiley. As `cake` in the R "
        "package lme4.",
        "angle ~ recipe * temperature + (1 | recipe:replicate)",
    ),
    Dataset(
        "dyestuff",
        "Yield of dyestuff by batch",
        "Five preparations of a dyestuff (Naphthalene Black 12B) from each of six batches of an intermediate product "
        "(H-acid): a balanced one-way layout.",
        30,
        {
            "Batch": factor("batch of the intermediate product", "A B C D E F"),
            "Yield": Column("yield, grams of standard colour"),
        },
        DAVIES.format("6.4", "Dyestuff"),
        "Yield ~ 1 + (1 | Batch)",
    ),
    Dataset(
        "dyestuff2",
        "Yield by batch, constructed without variation between batches",
        "Constructed in the layout of `dyestuff` such that batches differ less than the rows within them do: the REML "
        "estimate of the variance between batches is zero.",
        30,
        {
            "Batch": factor("batch", "A B C D E F"),
            "Yield": Column("yield, in arbitrary units"),
        },
        "Constructed by Box, G. E. P., & Tiao, G. C. (1973). Bayesian Inference in Statistical Analysis. "
        "Addison-Wesley. Section 5.1.2. As `Dyestuff2` in the R package lme4.",
        "Yield ~ 1 + (1 | Batch)",
    ),
    Dataset(
        "oats",
        "Split-plot experiment on varieties of oats",
        "Six blocks of three whole plots, to which varieties were randomised; four subplots in each whole plot, to "
        "which amounts of nitrogen were randomised.",
        72,
        {
            "Block": ordered("block", "VI V III IV II I"),
            "Variety": factor("variety of oats", ("Golden Rain", "Marvellous", "Victory")),
            "nitro": Column("nitrogen, hundredweight per acre"),
            "yield": Column("yield of the subplot (nlme calls it bushels per acre)"),
        },
        "Yates, F. (1935). Complex experiments. Supplement to the Journal of the Royal Statistical Society, 2, "
        "181-247. " + PINHEIRO.format("Oats"),
        "yield ~ nitro * Variety + (1 | Block/Variety)",
    ),
    Dataset(
        "machines",
        "Productivity of workers on machines",
        "Six workers, chosen at random, operated each of three brands of machine three times.",
        54,
        {
            "Worker": ordered("worker", "6 2 4 1 3 5"),
            "Machine": factor("brand of the machine", "A B C"),
            "score": Column("productivity score, from number and quality of the components produced"),
        },
        "Milliken, G. A., & Johnson, D. E. (1992). Analysis of Messy Data, Volume I: Designed Experiments. Chapman and "
        "Hall. " + PINHEIRO.format("Machines"),
        "score ~ Machine + (1 | Worker/Machine)",
    ),
    Dataset(
        "orthodont",
        "Growth of an orthodontic distance in children",
        "The distance between two points of the skull on x-ray images of 16 boys and 11 girls, every two years from "
        "age 8 to 14.",
        108,
        {
            "distance": Column("distance from the pituitary to the pterygomaxillary fissure, mm"),
            "age": Column("age, years"),
            "Subject": ordered(
                "child, M for boys and F for girls",
                "M16 M05 M02 M11 M07 M08 M03 M12 M13 M14 M09 M15 M06 M04 M01 M10 "
                "F10 F09 F06 F01 F05 F07 F02 F08 F03 F04 F11",
            ),
            "Sex": factor("sex", "Male Female"),
        },
        "Potthoff, R. F., & Roy, S. N. (1964). A generalized multivariate analysis of variance model useful especially "
        "for growth curve problems. Biometrika, 51, 313-326. " + PINHEIRO.format("Orthodont"),
        "distance ~ age * Sex + (age | Subject)",
    ),
    Dataset(
        "rail",
        "Travel time of ultrasonic waves in railway rails",
        "Three measurements on each of six rails, chosen at random: the smallest one-way layout.",
        18,
        {
            "Rail": ordered("rail", "2 5 1 6 3 4"),
            "travel": Column("travel time of ultrasonic head waves minus 36100, nanoseconds"),
        },
        "Devore, J. L. (2000). Probability and Statistics for Engineering and the Sciences (5th ed.). Duxbury. "
        "Example 10.10. " + PINHEIRO.format("Rail"),
        "travel ~ 1 + (1 | Rail)",
    ),
    Dataset(
        "ergostool",
        "Effort to arise from stools",
        "Each of nine subjects tried each of four types of stool: a randomised block design.",
        36,
        {
            "effort": Column("effort to arise, on Borg's scale"),
            "Type": factor("type of the stool", "T1 T2 T3 T4"),
            "Subject": ordered("subject", "8 5 4 9 6 3 7 1 2"),
        },
        "Devore, J. L. (2000). Probability and Statistics for Engineering and the Sciences (5th ed.). Duxbury. "
        + PINHEIRO.format("ergoStool"),
        "effort ~ Type + (1 | Subject)",
    ),
    Dataset(
        "chickweight",
        "Weight of chicks on four diets",
        "50 chicks, each fed one of four diets, weighed at birth, every second day until day 20, and on day 21; "
        "some died.",
        578,
        {
            "weight": Column("body weight, g"),
            "Time": Column("days since birth"),
            "Chick": ordered(
                "chick",
                "18 16 15 13 9 20 10 8 17 19 4 6 11 3 1 12 2 5 14 7 24 30 22 23 27 28 26 25 29 21 "
                "33 37 36 31 39 38 32 40 34 35 44 45 43 41 47 49 46 50 42 48",
            ),
            "Diet": factor("diet", "1 2 3 4"),
        },
        "Crowder, M. J., & Hand, D. J. (1990). Analysis of Repeated Measures. Chapman and Hall. Example 5.3. As "
        "`ChickWeight` in R.",
        "weight ~ Time * Diet + (Time | Chick)",
    ),
    Dataset(
        "cbpp",
        "Contagious bovine pleuropneumonia in herds",
        "New serological cases in 15 commercial herds of zebu cattle in Ethiopia, in four periods; some herds were "
        "lost to follow-up.",
        56,
        {
            "herd": factor("herd", "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15"),
            "incidence": Column("number of new cases in the period"),
            "size": Column("number of animals at the beginning of the period"),
            "period": factor("period, a quarter of a year", "1 2 3 4"),
        },
        "Lesnoff, M., Laval, G., Bonnet, P., Abdicho, S., Workalemahu, A., Kifle, D., Peyraud, A., Lancelot, R., & "
        "Thiaucourt, F. (2004). Within-herd spread of contagious bovine pleuropneumonia in Ethiopian highlands. "
        "Preventive Veterinary Medicine, 64, 27-40. As `cbpp` in the R package lme4.",
        "cbind(incidence, size - incidence) ~ period + (1 | herd)",
    ),
    Dataset(
        "earthquake",
        "Acceleration of the ground in earthquakes",
        "Peak acceleration at the stations that recorded each of 23 large earthquakes in western North America between "
        "1940 and 1980.",
        182,
        {
            "Quake": ordered("earthquake", "20 16 14 10 3 8 23 22 6 13 7 21 18 15 4 12 19 5 9 1 2 17 11"),
            "Richter": Column("magnitude on the Richter scale"),
            "distance": Column("distance from the station to the epicentre, km"),
            "soil": factor("ground at the station, soil or rock", "0 1"),
            "accel": Column("greatest horizontal acceleration, g"),
        },
        "Joyner, W. B., & Boore, D. M. (1981). Peak horizontal acceleration and velocity from strong-motion records "
        "including records from the 1979 Imperial Valley, California, earthquake. Bulletin of the Seismological "
        "Society "
        "of America, 71, 2011-2038. " + PINHEIRO.format("Earthquake"),
        "log(accel) ~ log(distance) + Richter + soil + (1 | Quake)",
    ),
)

DATASETS = {dataset.name: dataset for dataset in _ALL}
