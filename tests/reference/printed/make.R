# What R prints for some of the cases: run `Rscript printed/make.R` in tests/reference. The first line of a mixed model's
# file is where lme4's default optimiser stopped, with all its digits.
suppressMessages({library(lme4); library(lmerTest); library(jsonlite)})
options(useFancyQuotes = FALSE, width = 80)

fit <- function(name, ...) {
  case <- fromJSON(file.path("cases", paste0(name, ".json")), simplifyVector = FALSE)
  data <- read.csv(case$data$file, na.strings = "NA")
  columns <- case$data$columns
  for (v in names(columns)) if (columns[[v]]$type == "factor")
    data[[v]] <- factor(as.character(data[[v]]), unlist(columns[[v]]$levels), ordered = isTRUE(columns[[v]]$ordered))
  verb <- if (case$kind == "lmm") quote(lmer) else quote(lm)
  call <- list(verb, as.formula(case$formula), data = quote(data), ...)
  if (!is.null(case$weights)) call$weights <- as.name(case$weights)
  if (!is.null(case$offset)) call$offset <- as.name(case$offset)
  if (length(case$contrasts_arg)) call$contrasts <- case$contrasts_arg
  suppressWarnings(suppressMessages(eval(as.call(call))))
}

theta <- function(model) {
  at <- getME(model, "theta")
  paste("theta", toJSON(as.list(at), digits = NA, auto_unbox = TRUE))
}

write <- function(kind, name, ...) writeLines(c(...), file.path("printed", paste0(name, ".", kind, ".txt")))

for (name in c("salary_ri", "salary_rs", "sleep_slope", "sleep_ri", "penicillin", "pastes_slash", "cake_helmert",
               "machines_fslope", "oats_sum_factor", "sleep_weights", "sleep_offset", "sleep_na", "rank_deficient",
               "sleep_poly", "dyestuff2", "three_slopes", "ergostool")) {
  model <- fit(name)
  write("REML", name, theta(model), suppressMessages(capture.output(print(summary(model)))))
}
for (name in c("salary_ri", "sleep_slope", "penicillin")) {
  model <- fit(name, REML = FALSE)
  write("ML", name, theta(model), suppressMessages(capture.output(print(summary(model)))))
}
for (name in c("sleep_slope", "cake_helmert", "machines_ri", "toothgrowth", "sleep_year")) {
  model <- fit(name)
  write("anova", name, theta(model), suppressMessages(capture.output(print(anova(model)))))
}
for (name in c("lm_salary", "lm_salary_inter", "lm_salary_treat", "lm_sleep_weights", "lm_cake", "lm_rankdef",
               "lm_na_offset"))
  write("lm", name, capture.output(print(summary(fit(name)))))
