# Marginal means, comparisons and slopes of emmeans, joint tests of lmerTest: run `Rscript emmeans/make.R` in
# tests/reference. Every entry holds the call in our words (`verb`, `args`) and R's table.
suppressMessages({library(lme4); library(lmerTest); library(emmeans); library(multcomp); library(jsonlite)})

fit <- function(name) {
  case <- fromJSON(file.path("cases", paste0(name, ".json")), simplifyVector = FALSE)
  data <- read.csv(case$data$file, na.strings = "NA")
  columns <- case$data$columns
  for (v in names(columns)) {
    if (columns[[v]]$type == "factor")
      data[[v]] <- factor(as.character(data[[v]]), unlist(columns[[v]]$levels), ordered = isTRUE(columns[[v]]$ordered))
    if (columns[[v]]$type == "logical") data[[v]] <- as.logical(data[[v]])
  }
  call <- list(quote(lmer), as.formula(case$formula), data = data)
  if (!is.null(case$weights)) call$weights <- as.name(case$weights)
  if (!is.null(case$offset)) call$offset <- as.name(case$offset)
  if (length(case$contrasts_arg)) call$contrasts <- case$contrasts_arg
  suppressWarnings(suppressMessages(eval(as.call(call))))
}

found <- list()
add <- function(case, verb, args, grid, adjust = "none", ddf = "kenward-roger") {
  s <- summary(grid, infer = c(TRUE, TRUE), adjust = adjust)
  t <- as.data.frame(s)
  estimate <- intersect(c("emmean", "estimate", grep("trend$", names(t), value = TRUE)), names(t))[1]
  entry <- list(case = case, verb = verb, args = args, ddf = ddf, adjust = adjust, estimate = t[[estimate]], se = t$SE,
                df = t$df, lower = t$lower.CL, upper = t$upper.CL, t = t$t.ratio, p = t$p.value)
  found[[length(found) + 1]] <<- lapply(entry, function(x) if (is.list(x)) x else if (is.numeric(x)) I(x) else x)
}
grids <- function(name, ddf = "kenward-roger") { emm_options(lmer.df = ddf); fit(name) }

for (ddf in c("kenward-roger", "satterthwaite")) {
  m <- grids("machines_nested", ddf)
  add("machines_nested", "means", list(specs = I("Machine")), emmeans(m, "Machine"), ddf = ddf)
  for (adjust in c("none", "tukey", "holm", "bonferroni", "fdr"))
    add("machines_nested", "contrasts", list(specs = I("Machine")), pairs(emmeans(m, "Machine")), adjust, ddf)
  m <- grids("orthodont", ddf)
  add("orthodont", "means", list(specs = I("Sex"), at = list(age = I(c(8, 14)))), emmeans(m, "Sex", at = list(age = c(8, 14))), ddf = ddf)
  add("orthodont", "means", list(specs = c("Sex", "age"), at = list(age = I(c(8, 14)))), emmeans(m, c("Sex", "age"), at = list(age = c(8, 14))), ddf = ddf)
  add("orthodont", "slopes", list(variable = "age", by = "Sex"), emtrends(m, "Sex", "age"), ddf = ddf)
  add("orthodont", "contrasts", list(specs = I("Sex"), by = "age", at = list(age = I(c(8, 14)))),
      pairs(emmeans(m, "Sex", by = "age", at = list(age = c(8, 14)))), ddf = ddf)
}
emm_options(lmer.df = "kenward-roger")
m <- fit("oats")
add("oats", "means", list(specs = I("Variety")), emmeans(m, "Variety"))
add("oats", "contrasts", list(specs = I("Variety"), method = "trt.vs.ctrl"), contrast(emmeans(m, "Variety"), "trt.vs.ctrl"), "mvt")
add("oats", "contrasts", list(specs = I("Variety"), method = "eff"), contrast(emmeans(m, "Variety"), "eff"))
m <- fit("cake_factor")
add("cake_factor", "means", list(specs = I("recipe")), emmeans(m, "recipe"))
add("cake_factor", "means", list(specs = c("recipe", "temperature")), emmeans(m, c("recipe", "temperature")))
add("cake_factor", "contrasts", list(specs = I("temperature"), method = "poly"), contrast(emmeans(m, "temperature"), "poly"))
add("cake_factor", "contrasts", list(specs = I("temperature"), method = "consec", by = "recipe"),
    contrast(emmeans(m, "temperature", by = "recipe"), "consec"))
m <- fit("toothgrowth")
add("toothgrowth", "contrasts", list(specs = c("supp", "dose")), pairs(emmeans(m, c("supp", "dose"))), "tukey")
m <- fit("earthquake")
add("earthquake", "means", list(specs = I("soil")), emmeans(m, "soil"))
add("earthquake", "means", list(specs = NULL), emmeans(m, ~ 1))
add("earthquake", "slopes", list(variable = "distance", at = list(distance = 20)), emtrends(m, ~ 1, "distance", at = list(distance = 20), delta.var = 1e-4))
m <- fit("sleep_factor_days")
add("sleep_factor_days", "means", list(specs = I("Days")), emmeans(m, "Days"))
m <- fit("sleep_I2")
add("sleep_I2", "means", list(specs = I("Days"), at = list(Days = c(0, 5, 9))), emmeans(m, "Days", at = list(Days = c(0, 5, 9))))
add("sleep_I2", "slopes", list(variable = "Days", at = list(Days = 2)), emtrends(m, ~ 1, "Days", at = list(Days = 2), delta.var = 1e-5))
m <- fit("sleep_poly")
add("sleep_poly", "slopes", list(variable = "Days", by = "Days", at = list(Days = c(0, 9))), emtrends(m, "Days", "Days", at = list(Days = c(0, 9)), delta.var = 1e-5))
m <- fit("sleep_logical")
add("sleep_logical", "means", list(specs = NULL), emmeans(m, ~ 1))
m <- fit("sleep_offset_formula")
add("sleep_offset_formula", "means", list(specs = NULL), emmeans(m, ~ 1))
m <- fit("chickweight")
for (weights in c("equal", "proportional"))
  add("chickweight", "means", list(specs = NULL, weights = weights), emmeans(m, ~ 1, weights = weights))
m <- fit("rank_deficient")
for (weights in c("equal", "proportional", "cells"))
  add("rank_deficient", "means", list(specs = I("h"), weights = weights), emmeans(m, "h", weights = weights))
add("rank_deficient", "means", list(specs = c("f", "h")), emmeans(m, c("f", "h")))

joint <- list()
test <- function(case, L) for (ddf in c("Satterthwaite", "Kenward-Roger")) {
  a <- contest(fit(case), L, ddf = ddf)
  joint[[length(joint) + 1]] <<- list(case = case, L = L, ddf = tolower(ddf), F = a$`F value`, NumDF = a$NumDF, DenDF = a$DenDF, p = a$`Pr(>F)`)
}
test("earthquake", rbind(c(0, 1, 0, 0), c(0, 0, 1, -1)))
test("orthodont", rbind(c(0, 0, 1, 0), c(0, 0, 0, 1)))
test("sleep_factor_days", cbind(0, diag(9))[c(1, 4, 8), ])

write(toJSON(list(emmeans = as.character(packageVersion("emmeans")), tables = found, joint = joint), auto_unbox = TRUE,
             digits = NA, na = "null", pretty = TRUE), "emmeans/emmeans.json")
