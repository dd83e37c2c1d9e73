# What mitml and mice make of fits of imputed data: run `Rscript imputed/make.R` in tests/reference.
suppressMessages({library(lme4); library(mitml); library(mice); library(jsonlite)})
options(digits = 15)
data <- read.csv("data/Machines.csv")
data$Worker <- factor(data$Worker)
data$Machine <- factor(data$Machine)
set.seed(20)
data$x <- round(rnorm(nrow(data)) + as.numeric(data$Worker) / 3, 3)
data$score[sample(nrow(data), 12)] <- NA
data$x[sample(nrow(data), 9)] <- NA
made <- mice(data, m = 6, method = "pmm", maxit = 10, seed = 3, printFlag = FALSE)
frames <- complete(made, "all")
long <- do.call(rbind, lapply(seq_along(frames), function(i) cbind(imputation = i, frames[[i]])))
write.csv(long, "imputed/machines.csv", row.names = FALSE)

tight <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-9, maxfun = 1e5))
frames <- as.mitml.list(frames)
full <- with(frames, lmer(score ~ Machine + x + (1 | Worker), control = tight))
less <- with(frames, lmer(score ~ x + (1 | Worker), control = tight))
slope <- with(frames, lmer(score ~ Machine + x + (1 + x || Worker), control = tight))
estimates <- function(...) {
  t <- testEstimates(full, extra.pars = TRUE, ...)
  list(names = rownames(t$estimates), table = unname(t$estimates), extra = as.list(t$extra.pars[, 1]))
}
models <- function(...) as.list(testModels(full, less, ...)$test[1, ])
both <- c("MachineB - MachineC", "x")
out <- list(
  large = estimates(),
  small = estimates(df.com = 20),
  mice = lapply(setNames(names(fixef(full[[1]])), names(fixef(full[[1]]))), function(name) {
    Q <- sapply(full, function(f) fixef(f)[[name]])
    U <- sapply(full, function(f) vcov(f)[name, name])
    pool.scalar(Q, U, n = 24, k = 4)[c("qbar", "t", "df", "r", "fmi")]
  }),
  d1 = models(method = "D1"),
  d1_small = models(method = "D1", df.com = 20),
  d1_equations = as.list(testConstraints(full, constraints = both, method = "D1", df.com = 20)$test[1, ]),
  d3 = models(method = "D3"),
  d3_variance = as.list(testModels(slope, full, method = "D3")$test[1, ])
)
# with few df for two imputations: Li, Raghunathan & Rubin's second formula
two <- lapply(list(full, less), function(f) as.mitml.result(f[1:2]))
out$d1_two <- as.list(testModels(two[[1]], two[[2]], method = "D1")$test[1, ])
# emmeans of each fit, pooled by mice; and emmeans of the pooled object
suppressMessages(library(emmeans))
emm_options(lmer.df = "asymptotic")
wide <- with(frames, lmer(score ~ Machine * poly(x, 2) + (1 | Worker), control = tight))
rubin <- function(fits, grid) {
  each <- lapply(fits, function(f) as.data.frame(grid(f)))
  column <- intersect(c("emmean", "estimate", "x.trend"), names(each[[1]]))[1]
  pooled <- lapply(seq_len(nrow(each[[1]])), function(i)
    pool.scalar(sapply(each, function(t) t[[column]][i]), sapply(each, function(t) t$SE[i]^2), n = 54, k = 4))
  get <- function(name) sapply(pooled, function(p) p[[name]])
  list(estimate = I(get("qbar")), se = I(sqrt(get("t"))), df = I(get("df")), riv = I(get("r")), fmi = I(get("fmi")))
}
at <- list(x = 0.3)
mira <- as.data.frame(emmeans(as.mira(full), "Machine", at = at))
out$means <- list(
  means = rubin(full, function(f) emmeans(f, "Machine", at = at)),
  contrasts = rubin(full, function(f) pairs(emmeans(f, "Machine", at = at))),
  slopes = rubin(full, function(f) emtrends(f, ~ 1, "x", at = at)),
  wide = rubin(wide, function(f) emmeans(f, "Machine", at = at)),
  mira = list(estimate = mira$emmean, se = mira$SE)
)
writeLines(toJSON(out, digits = NA, auto_unbox = TRUE, pretty = TRUE), "imputed/mitml.json")
