# One model by brms: FORMULA DATA.csv LATER SEED. Prints a line of JSON: seconds of the first call (with compiling), of
# later ones (without), least bulk ESS of fixed effects, sds, correlations and sigma, divergences.
suppressMessages({library(brms); library(jsonlite)})
given <- commandArgs(TRUE)
data <- read.csv(given[2])
for (name in readLines(sub("csv$", "types", given[2]))) if (nzchar(name)) data[[name]] <- factor(data[[name]])
later <- as.integer(given[3]); seed <- as.integer(given[4])
clock <- function() proc.time()[["elapsed"]]
looked <- function(fit) {
  draws <- as_draws_array(fit, variable = "^(b|sd|cor)_|^sigma$", regex = TRUE)
  list(ess = min(posterior::summarise_draws(draws, posterior::ess_bulk)[[2]]), divergences = sum(subset(nuts_params(fit), Parameter == "divergent__")$Value))
}
start <- clock()
invisible(capture.output(fit <- suppressMessages(brm(as.formula(given[1]), data, chains = 4, iter = 2000, cores = 2, seed = seed, refresh = 0))))
ready <- as.numeric(Sys.time())
seconds <- clock() - start
found <- list(looked(fit))
for (turn in seq_len(later)) {
  start <- clock()
  invisible(capture.output(fit <- suppressMessages(update(fit, recompile = FALSE, cores = 2, seed = seed + turn, refresh = 0))))
  seconds <- c(seconds, clock() - start)
  found <- c(found, list(looked(fit)))
}
out <- list(ready = ready, later = I(seconds[-1]), ess = I(sapply(found, `[[`, "ess")), divergences = I(sapply(found, `[[`, "divergences")),
            versions = list(brms = as.character(packageVersion("brms")), rstan = as.character(packageVersion("rstan")), R = paste(R.version$major, R.version$minor, sep = ".")))
cat(toJSON(out, auto_unbox = TRUE, digits = NA), "\n")
