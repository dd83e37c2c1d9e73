# Linear models: terms, models, means, slopes and robust tests, from R. Run `Rscript linear/make.R` in tests/reference.
suppressMessages({library(emmeans); library(car); library(clubSandwich); library(multcomp); library(jsonlite)})
home <- "../../bayeslmm/datasets/data"
read <- function(name) read.csv(file.path(home, paste0(name, ".csv")), stringsAsFactors = TRUE)

oats <- read("oats")[c(1:30, 35:60, 64:72), ]  # unbalanced
oats$w <- 1 + seq_len(nrow(oats)) %% 3
oats$level <- factor(oats$nitro)
orthodont <- read("orthodont")
orthodont$Sex <- factor(orthodont$Sex, c("Male", "Female"))
cake <- read("cake")[seq_len(270) %% 7 != 0, ]
sleep <- read("sleepstudy")[-c(1:4, 17, 58:61), ]
sums <- function(...) setNames(rep(list("contr.sum"), length(c(...))), c(...))

models <- list(
  oats = lm(yield ~ Variety * level + Block, oats),
  oats_weights = lm(yield ~ Variety * level, oats, weights = w),
  orthodont = lm(distance ~ age * Sex, orthodont),
  cake = lm(angle ~ recipe + temp + I(temp^2), cake)
)
coded <- list(  # as car's type III demands
  oats = lm(yield ~ Variety * level + Block, oats, contrasts = sums("Variety", "level", "Block")),
  oats_weights = lm(yield ~ Variety * level, oats, weights = w, contrasts = sums("Variety", "level")),
  orthodont = lm(distance ~ age * Sex, orthodont, contrasts = sums("Sex")),
  cake = lm(angle ~ recipe + temp + I(temp^2), cake, contrasts = sums("recipe"))
)
terms_of <- function(a) {
  a <- a[!rownames(a) %in% c("(Intercept)", "Residuals"), ]
  list(term = rownames(a), SumSq = a$`Sum Sq`, NumDF = a$Df, F = a$`F value`, p = a$`Pr(>F)`)
}
anovas <- lapply(setNames(names(models), names(models)), function(n) list(
  I = terms_of(anova(models[[n]])), II = terms_of(Anova(models[[n]], type = 2)),
  III = terms_of(Anova(coded[[n]], type = 3))))

several <- function(...) {
  a <- anova(...)
  list(ResDf = a$Res.Df, RSS = a$RSS, Df = a$Df, SumSq = a$`Sum of Sq`, F = a$F, p = a$`Pr(>F)`)
}
compared <- several(lm(yield ~ 1, oats), lm(yield ~ Variety, oats), lm(yield ~ Variety + level, oats), models$oats)

rows <- function(grid, adjust = "none") {
  t <- as.data.frame(summary(grid, infer = c(TRUE, TRUE), adjust = adjust))
  estimate <- intersect(c("emmean", "estimate", grep("trend$", names(t), value = TRUE)), names(t))[1]
  list(estimate = t[[estimate]], se = t$SE, df = t$df, lower = t$lower.CL, upper = t$upper.CL, t = t$t.ratio, p = t$p.value)
}
tables <- list()
add <- function(model, verb, args, grid, adjust = "none") tables[[length(tables) + 1]] <<-
  c(list(model = model, verb = verb, args = args, adjust = adjust), lapply(rows(grid, adjust), I))
m <- models$oats
add("oats", "means", list(specs = I("Variety")), emmeans(m, "Variety"))
add("oats", "means", list(specs = I("Variety"), weights = "proportional"), emmeans(m, "Variety", weights = "proportional"))
add("oats", "means", list(specs = c("Variety", "level")), emmeans(m, c("Variety", "level")))
for (adjust in c("none", "tukey", "holm", "bonferroni", "fdr", "mvt"))
  add("oats", "contrasts", list(specs = I("Variety")), pairs(emmeans(m, "Variety")), adjust)
add("oats", "contrasts", list(specs = I("level"), method = "poly", by = "Variety"),
    contrast(emmeans(m, "level", by = "Variety"), "poly"))
add("oats_weights", "means", list(specs = I("level")), emmeans(models$oats_weights, "level"))
m <- models$orthodont
add("orthodont", "slopes", list(variable = "age", by = "Sex"), emtrends(m, "Sex", "age"))
add("orthodont", "contrasts", list(specs = I("Sex"), by = "age", at = list(age = I(c(8, 14)))),
    pairs(emmeans(m, "Sex", by = "age", at = list(age = c(8, 14)))))
m <- models$cake
add("cake", "slopes", list(variable = "temp", by = "temp", at = list(temp = I(c(175, 225)))),
    emtrends(m, "temp", "temp", at = list(temp = c(175, 225)), delta.var = 1e-5))
add("cake", "contrasts", list(specs = I("recipe"), method = "trt.vs.ctrl"), contrast(emmeans(m, "recipe"), "trt.vs.ctrl"), "mvt")

# linearHypothesis: F of several restrictions; glht: single-step and free-standing tests of rows
L <- rbind(c(0, 1, 0, 0, 0), c(0, 1, -1, 0, 0), c(0, 0, 0, 1, 400))
h <- linearHypothesis(models$cake, L, c(0, 1, 0))
g <- summary(glht(models$cake, L, rhs = c(0, 1, 0)), test = adjusted("none"))
joint <- list(L = L, null = c(0, 1, 0), F = h$F[2], df = h$Df[2], p = h$`Pr(>F)`[2],
              t = as.vector(g$test$tstat), p_rows = as.vector(g$test$pvalues))

# clusters: CR2, Satterthwaite's df of rows, HTZ of several
robust <- function(model, cluster, L, joint = L) {
  V <- vcovCR(model, cluster = cluster, type = "CR2")
  one <- linear_contrast(model, V, contrasts = L, test = "Satterthwaite", p_values = TRUE)
  all <- Wald_test(model, joint, V, test = "HTZ")
  list(L = L, joint = joint, estimate = one$Est, se = one$SE, df = one$df, p = one$p_val,
       F = all$Fstat, num = all$df_num, den = all$df_denom, p_joint = all$p_val)
}
clusters <- list(
  orthodont = robust(models$orthodont, orthodont$Subject, rbind(c(0, 1, 0, 0), c(0, 1, 0, 1), c(0, 0, 1, 11)),
                     rbind(c(0, 0, 1, 0), c(0, 0, 0, 1))),
  cake = robust(models$cake, cake$replicate, rbind(c(0, 1, 0, 0, 0), c(0, 1, -1, 0, 0), c(0, 0, 0, 1, 400)),
                rbind(c(0, 1, 0, 0, 0), c(0, 0, 1, 0, 0))),
  sleep = robust(lm(Reaction ~ Days + I(Days^2) + I(Days^3), sleep), sleep$Subject, diag(4)[2:4, ])
)
version <- sapply(c("emmeans", "car", "clubSandwich", "multcomp"), function(p) as.character(packageVersion(p)))
writeLines(toJSON(list(versions = as.list(version), anova = anovas, compared = compared, tables = tables,
                       hypothesis = joint, clusters = clusters),
                  auto_unbox = TRUE, digits = NA, na = "null", pretty = TRUE), "linear/linear.json")
