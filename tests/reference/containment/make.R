# Containment degrees of freedom of nlme: run `Rscript containment/make.R` in tests/reference.
suppressMessages({library(nlme); library(jsonlite)})

read <- function(name) read.csv(file.path("data", paste0(name, ".csv")), na.strings = "NA", stringsAsFactors = TRUE)

found <- function(formula, data, random) {
  model <- lme(formula, data, random = random, control = lmeControl(opt = "optim", returnObject = TRUE))
  as.list(model$fixDF$X)
}

sleep <- read("sleepstudy"); sleep$Subject <- factor(sleep$Subject)
cases <- list(
  list(case = "sleep_slope", df = found(Reaction ~ Days, sleep, ~ Days | Subject)),
  list(case = "sleep_noint", df = found(Reaction ~ 0 + Days, sleep, ~ 1 | Subject)),
  list(case = "orthodont", df = found(distance ~ age * Sex, read("Orthodont"), ~ age | Subject)),
  list(case = "oats", df = found(yield ~ nitro * Variety, read("Oats"), ~ 1 | Block/Variety)),
  list(case = "pastes_slash", df = found(strength ~ 1, read("Pastes"), ~ 1 | batch/cask)),
  list(case = "machines_nested", df = found(score ~ Machine, read("Machines"), ~ 1 | Worker/Machine)),
  list(case = "earthquake", df = found(log(accel) ~ log(distance) + Richter + soil, read("Earthquake"), ~ 1 | Quake))
)
write(toJSON(list(nlme = as.character(packageVersion("nlme")), cases = cases), auto_unbox = TRUE, digits = NA, pretty = TRUE),
      "containment/nlme.json")
