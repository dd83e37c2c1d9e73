# What lme4 and lmerTest give for the alternatives that `reanalyse` tries: Rscript make.R > triage.json
suppressMessages({library(lme4); library(lmerTest); library(jsonlite)})
home <- file.path(dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE))), "..", "data")
read <- function(file) read.csv(file.path(home, file), stringsAsFactors = TRUE)
control <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-10, maxfun = 1e5))

one <- function(formula, data) {
  if (grepl("|", formula, fixed = TRUE)) {
    fit <- suppressWarnings(suppressMessages(lmerTest::lmer(as.formula(formula), data, control = control)))
    table <- coef(summary(fit))
    criterion <- REMLcrit(fit)
  } else {
    fit <- lm(as.formula(formula), data)
    table <- coef(summary(fit))
    table <- cbind(table[, 1:2, drop = FALSE], df = df.residual(fit), table[, 3:4, drop = FALSE])
    criterion <- -2 * as.numeric(logLik(fit, REML = TRUE))
  }
  list(formula = formula, criterion = criterion, AIC = criterion + 2 * attr(logLik(fit), "df"),
       terms = rownames(table), estimate = unname(table[, 1]), se = unname(table[, 2]), df = unname(table[, 3]),
       p = unname(table[, 5]))
}
cases <- function(data, formulas) lapply(formulas, one, data = data)

salary <- read("salary.csv"); sleep <- read("sleepstudy.csv"); sleep$Subject <- factor(sleep$Subject)
machines <- read("Machines.csv"); machines$Worker <- factor(machines$Worker)
nested <- read("sim_cross_nest.csv")
for (g in c("item", "school", "subj")) nested[[g]] <- factor(nested[[g]])
out <- list(
  salary = cases(salary, list(
    "as fitted (lbfgs)" = "salary ~ 1 + grade + (1 + grade | major)",
    "scaled grade" = "salary ~ 1 + scale(grade) + (1 + scale(grade) | major)",
    "(1 + grade || major)" = "salary ~ 1 + grade + (1 + grade || major)",
    "(1 | major)" = "salary ~ 1 + grade + (1 | major)",
    "without (1 + grade | major)" = "salary ~ 1 + grade")),
  dyestuff2 = cases(read("Dyestuff2.csv"), list(
    "as fitted (lbfgs)" = "Yield ~ 1 + (1 | Batch)",
    "without (1 | Batch)" = "Yield ~ 1")),
  sleepstudy = cases(sleep, list(
    "as fitted (lbfgs)" = "Reaction ~ Days + (Days | Subject)",
    "centred Days" = "Reaction ~ I(Days - 4.5) + (I(Days - 4.5) | Subject)",
    "scaled Days" = "Reaction ~ scale(Days) + (scale(Days) | Subject)",
    "(1 + Days || Subject)" = "Reaction ~ Days + (Days || Subject)",
    "(1 | Subject)" = "Reaction ~ Days + (1 | Subject)",
    "without (Days | Subject)" = "Reaction ~ Days")),
  penicillin = cases(read("Penicillin.csv"), list(
    "without (1 | plate)" = "diameter ~ 1 + (1 | sample)",
    "without (1 | sample)" = "diameter ~ 1 + (1 | plate)")),
  machines = cases(machines, list(
    "as fitted (lbfgs)" = "score ~ Machine + (1 | Worker) + (1 | Worker:Machine)",
    "without (1 | Worker)" = "score ~ Machine + (1 | Worker:Machine)",
    "without (1 | Worker:Machine)" = "score ~ Machine + (1 | Worker)")),
  three = cases(nested, list(
    "as fitted (lbfgs)" = "y ~ cond + z + (1 | item) + (1 | school / subj)",
    "without (1 | item)" = "y ~ cond + z + (1 | school / subj)",
    "without (1 | subj:school)" = "y ~ cond + z + (1 | item) + (1 | school)",
    "without (1 | school)" = "y ~ cond + z + (1 | item) + (1 | subj:school)"))
)
cat(toJSON(list(lme4 = as.character(packageVersion("lme4")), lmerTest = as.character(packageVersion("lmerTest")),
                cases = out), digits = 12, auto_unbox = TRUE, pretty = TRUE), "\n")
