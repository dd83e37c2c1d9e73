# Rscript brms.R brms.txt: what brms prints for the data of make.R, with its default priors
suppressMessages(library(brms))
options(width = 100, mc.cores = 2)
data(Machines, package = "nlme")
d <- as.data.frame(Machines)
d$Worker <- factor(d$Worker, ordered = FALSE)
d$score[c(2, 3, 6, 8, 9, 12, 19, 20, 27, 33)] <- NA
b <- brm(score ~ Machine + (1 | Worker/Machine), d, seed = 1, refresh = 0,
         control = list(adapt_delta = 0.99), silent = 2)
sink(commandArgs(TRUE)[1])
cat("# R ", paste(R.version$major, R.version$minor, sep = "."), ", brms ", as.character(packageVersion("brms")),
    ", rstan ", as.character(packageVersion("rstan")), "\n", sep = "")
cat("\n# prior_summary(b)\n")
print(as.data.frame(prior_summary(b))[, c("prior", "class", "coef", "group")], row.names = FALSE)
cat("\n# fixef(b)\n")
print(round(fixef(b), 2))
cat("\n# VarCorr(b)\n")
v <- VarCorr(b)
for (g in names(v)) { cat(g, "\n"); print(round(v[[g]]$sd, 2)) }
cat("\n# hypothesis(b, \"MachineB > 5\")\n")
print(hypothesis(b, "MachineB > 5")$hypothesis[, c("Estimate", "CI.Lower", "CI.Upper", "Post.Prob")])
sink()
