# What clubSandwich gives for cluster-robust errors: run `Rscript alternatives/make.R` in tests/reference.
suppressMessages({library(clubSandwich); library(jsonlite)})
salary <- read.csv("data/salary.csv")
chick <- read.csv("data/ChickWeight.csv")
chick$Diet <- factor(chick$Diet)
sleep <- read.csv("data/sleepstudy.csv")
sleep$w <- 1 + (seq_len(nrow(sleep)) %% 3)

table <- function(model, cluster, ...) {
  V <- vcovCR(model, cluster = cluster, ...)
  test <- coef_test(model, V, test = "Satterthwaite")
  list(se = test$SE, df = test$df_Satt, p = test$p_Satt)
}

fe <- lm(salary ~ grade + major, salary)
# errors with variance sigma^2 / w as the working model: unweighted, all times sqrt(w)
weighted <- lm(I(Reaction * sqrt(w)) ~ 0 + I(sqrt(w)) + I(Days * sqrt(w)), sleep)
out <- list(
  salary = table(lm(salary ~ grade, salary), salary$major, type = "CR2"),
  salary_cr3 = table(lm(salary ~ grade, salary), salary$major, type = "CR3"),
  salary_cr0 = table(lm(salary ~ grade, salary), salary$major, type = "CR0"),
  salary_major = table(fe, salary$major, type = "CR2"),
  chick = table(lm(weight ~ Time * Diet, chick), chick$Chick, type = "CR2"),
  sleep_weights = table(weighted, sleep$Subject, type = "CR2")
)
writeLines(toJSON(out, digits = NA, auto_unbox = TRUE, pretty = TRUE), "alternatives/club_sandwich.json")
