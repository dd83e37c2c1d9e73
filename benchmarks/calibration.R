# lmerTest's side of calibration.py: p-values of the fixed effects a and x for each column of Y.csv.
#   Rscript calibration.R FOLDER FORMULA
suppressMessages(library(lmerTest))
arguments <- commandArgs(TRUE)
data <- read.csv(file.path(arguments[1], "X.csv"))
data$g <- factor(data$g)
Y <- read.csv(file.path(arguments[1], "Y.csv"))
kenward_roger <- requireNamespace("pbkrtest", quietly = TRUE)
p_values <- function(m, ddf) tryCatch(
  suppressWarnings(suppressMessages(coef(summary(m, ddf = ddf))[c("a", "x"), "Pr(>|t|)"])), error = function(e) c(NA, NA))
out <- t(sapply(Y, function(y) {
  data$y <- y
  m <- suppressWarnings(suppressMessages(lmer(as.formula(arguments[2]), data)))
  c(p_values(m, "Satterthwaite"), if (kenward_roger) p_values(m, "Kenward-Roger"))
}))
names <- c("Satterthwaite.a", "Satterthwaite.x", if (kenward_roger) c("Kenward-Roger.a", "Kenward-Roger.x"))
write.csv(setNames(as.data.frame(out), names), file.path(arguments[1], "p.csv"), row.names = FALSE)
