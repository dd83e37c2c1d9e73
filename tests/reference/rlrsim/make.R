# exactRLRT(m, mA, m0) of RLRsim: one variance tested beside others that stay (Greven et al. 2008). `m` has the tested
# component alone, `mA` all, `m0` the others. Run `Rscript rlrsim/make.R` in tests/reference.
suppressMessages({library(lme4); library(RLRsim); library(jsonlite)})
read <- function(name) read.csv(file.path("../../bayeslmm/datasets/data", paste0(name, ".csv")), stringsAsFactors = TRUE)
N <- 200000
probabilities <- c(0.5, 0.75, 0.9, 0.95, 0.99)
found <- list()
test <- function(data, rows, label, fixed, tested, others) {
  d <- read(data)
  if (!is.null(rows)) d <- d[rows, ]
  formula <- function(...) as.formula(paste(fixed, paste(c(...), collapse = " + "), sep = " + "))
  m <- suppressMessages(lmer(formula(tested), d))
  mA <- suppressMessages(lmer(formula(tested, others), d))
  m0 <- suppressMessages(lmer(formula(others), d))
  r <- suppressWarnings(exactRLRT(m, mA, m0, nsim = N, seed = 1))
  found[[length(found) + 1]] <<- list(
    data = data, rows = if (is.null(rows)) NA else I(rows - 1), label = label,
    formula = paste(fixed, paste(c(others, tested), collapse = " + "), sep = " + "),
    RLRT = unname(r$statistic), p = r$p.value, zero = mean(r$sample < 1e-8), probabilities = I(probabilities),
    quantiles = I(unname(quantile(r$sample, probabilities))))
}
penicillin <- c(1:30, 61:66)  # few plates, of which the variance is less than certain
test("penicillin", NULL, "(1 | plate)", "diameter ~ 1", "(1 | plate)", "(1 | sample)")
test("penicillin", NULL, "(1 | sample)", "diameter ~ 1", "(1 | sample)", "(1 | plate)")
test("penicillin", penicillin, "(1 | plate)", "diameter ~ 1", "(1 | plate)", "(1 | sample)")
test("pastes", NULL, "(1 | batch)", "strength ~ 1", "(1 | batch)", "(1 | batch:cask)")
test("pastes", NULL, "(1 | batch:cask)", "strength ~ 1", "(1 | batch:cask)", "(1 | batch)")
test("oats", NULL, "(1 | Block)", "yield ~ nitro + Variety", "(1 | Block)", "(1 | Block:Variety)")
test("sleepstudy", 1:60, "Days in (0 + Days | Subject)", "Reaction ~ Days", "(0 + Days | Subject)", "(1 | Subject)")
writeLines(toJSON(list(RLRsim = as.character(packageVersion("RLRsim")), lme4 = as.character(packageVersion("lme4")),
                       draws = N, tests = found), auto_unbox = TRUE, digits = NA, na = "null", pretty = TRUE),
           "rlrsim/rlrsim.json")
