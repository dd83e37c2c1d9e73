# Profile intervals and zeta of models beyond those in ../cases: Rscript make.R, in this folder.
suppressMessages(library(lme4))
library(jsonlite)

models <- list(
  dyestuff2 = list("Yield ~ 1 + (1|Batch)", "dyestuff2"),
  orthodont = list("distance ~ age * Sex + (age|Subject)", "orthodont"),
  pastes_slash = list("strength ~ 1 + (1|batch/cask)", "pastes"),
  machines_nested = list("score ~ Machine + (1|Worker/Machine)", "machines"),
  sleep_slope_only = list("Reaction ~ Days + (0 + Days|Subject)", "sleepstudy"),
  three_slopes_uncorr = list("y ~ x1 * x2 + (x1 + x2||g)", "three_slopes"),
  toothgrowth = list("len ~ supp * factor(dose) + (1|block)", "toothgrowth"),
  salary_rs_uncorr = list("salary ~ 1 + grade + (1+grade||major)", "salary"),
  salary_rs = list("salary ~ 1 + grade + (1+grade|major)", "salary"),
  cross_nest = list("y ~ cond + z + (1|item) + (1|school/subj)", "cross_nest")
)

out <- list()
for (name in names(models)) {
  case <- fromJSON(file.path("..", "cases", paste0(name, ".json")), simplifyVector = FALSE)
  data <- read.csv(file.path("..", case$data$file), na.strings = "NA")
  for (column in names(case$data$columns)) {
    spec <- case$data$columns[[column]]
    if (spec$type == "factor" && !is.factor(data[[column]])) data[[column]] <- factor(as.character(data[[column]]), unlist(spec$levels))
  }
  fit <- suppressMessages(lmer(as.formula(case$formula), data))
  started <- proc.time()[[3]]
  pr <- tryCatch(suppressWarnings(profile(fit, signames = FALSE)), error = function(e) conditionMessage(e))
  if (is.character(pr)) { out[[name]] <- list(formula = case$formula, error = pr); next }
  ci <- tryCatch(suppressWarnings(confint(pr)), error = function(e) conditionMessage(e))
  if (is.character(ci)) { out[[name]] <- list(formula = case$formula, error = ci); next }
  out[[name]] <- list(formula = case$formula, names = rownames(ci), lower = unname(ci[, 1]), upper = unname(ci[, 2]))
  cat(name, proc.time()[[3]] - started, "s\n")
}
write(toJSON(out, digits = 12, auto_unbox = TRUE, na = "null", pretty = TRUE), "intervals.json")
