# Intervals from bootstrap replicates as boot.ci computes them: Rscript make.R, in this folder.
suppressMessages({library(boot); library(jsonlite)})

set.seed(1)
x <- rexp(25)
b <- boot(x, function(d, i) c(mean(d[i]), var(d[i]) / length(i)), R = 199)
jackknife <- sapply(seq_along(x), function(i) mean(x[-i]))
L <- mean(jackknife) - jackknife
out <- list(estimate = b$t0[1], error = sqrt(b$t0[2]), draws = b$t[, 1], errors = sqrt(b$t[, 2]), left_out = jackknife)
for (level in c(0.8, 0.95)) {
  ci <- boot.ci(b, conf = level, type = c("basic", "perc", "bca", "stud"), L = L)
  out[[sprintf("at_%g", level)]] <- list(percentile = ci$percent[4:5], basic = ci$basic[4:5], bca = ci$bca[4:5],
                                         studentised = ci$student[4:5])
}
write(toJSON(out, digits = 12, auto_unbox = TRUE), "intervals.json")
