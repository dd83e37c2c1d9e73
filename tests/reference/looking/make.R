# What R says about fitted models: rePCA, case deletion, hat values; profile intervals of a one-way ICC.
# Rscript make.R, in this folder; needs lme4 and jsonlite.
library(lme4)
library(jsonlite)

read <- function(name, factors) {
  d <- read.csv(file.path("..", "data", paste0(name, ".csv")), na.strings = "NA")
  for (f in factors) d[[f]] <- factor(d[[f]])
  d
}
tight <- lmerControl(optimizer = "nloptwrap", optCtrl = list(xtol_abs = 1e-10, ftol_abs = 1e-12, maxeval = 1e5),
                     check.conv.singular = "ignore")
models <- list(
  sleep = list(formula = Reaction ~ Days + (Days | Subject), data = read("sleepstudy", "Subject"), group = "Subject"),
  penicillin = list(formula = diameter ~ 1 + (1 | plate) + (1 | sample), data = read("Penicillin", c("plate", "sample")),
                    group = "sample"),
  machines = list(formula = score ~ Machine + (1 | Worker) + (1 | Worker:Machine),
                  data = read("Machines", c("Worker", "Machine")), group = "Worker"),
  sleep_uncorrelated = list(formula = Reaction ~ Days + (1 | Subject) + (0 + Days | Subject),
                            data = read("sleepstudy", "Subject"), group = "Subject")
)

deletion <- function(m, inf) {
  vcovs <- inf[[grep("^vcov\\[", names(inf))]]
  fixed <- as.matrix(inf[[grep("^fixed.effects\\[", names(inf))]])
  se <- matrix(unlist(lapply(vcovs, function(v) sqrt(diag(as.matrix(v))))), nrow(fixed), byrow = TRUE)
  list(
    level = as.character(inf$deleted),
    fixef = unname(fixed),
    varcomp = unname(as.matrix(inf[[grep("^var.cov.comps\\[", names(inf))]])),
    dfbetas = unname((matrix(fixef(m), nrow(fixed), ncol(fixed), byrow = TRUE) - fixed) / se),
    covratio = unname(sapply(vcovs, function(v) det(as.matrix(v)) / det(as.matrix(vcov(m)))))
  )
}

d <- NULL
out <- lapply(models, function(x) {
  d <<- x$data
  m <- do.call(lmer, list(x$formula, quote(d), control = quote(tight)))
  groups <- influence(m, groups = x$group, start = list(theta = getME(m, "theta")))
  pca <- rePCA(m)
  b <- fixef(m)
  cooks <- apply(groups[[grep("^fixed.effects\\[", names(groups))]], 1, function(r) {
    as.numeric(t(r - b) %*% solve(as.matrix(vcov(m))) %*% (r - b)) / length(b)
  })
  list(
    formula = deparse(x$formula), group = x$group,
    hat = unname(hatvalues(m)),
    deletion = deletion(m, groups),
    cooks = unname(cooks),
    repca = lapply(pca, function(p) list(sdev = p$sdev, rotation = p$rotation))
  )
})

# one way: the criterion is profiled in theta alone, and the ICC is theta^2 / (1 + theta^2)
one_way <- function(formula, data, reml) {
  f <- lmer(formula, data, REML = reml, devFunOnly = TRUE, control = tight)
  best <- optimize(f, c(0, 20), tol = 1e-12)
  cut <- best$objective + qchisq(0.95, 1)
  zero <- f(0) < cut
  lower <- if (zero) 0 else uniroot(function(t) f(t) - cut, c(0, best$minimum), tol = 1e-12)$root
  upper <- uniroot(function(t) f(t) - cut, c(best$minimum, 100), tol = 1e-12)$root
  icc <- function(t) t^2 / (1 + t^2)
  list(lower = icc(lower), upper = icc(upper))
}
dyestuff <- read("Dyestuff", "Batch")
rail <- read("Rail", "Rail")
out$icc <- list(
  dyestuff_reml = one_way(Yield ~ 1 + (1 | Batch), dyestuff, TRUE),
  dyestuff_ml = one_way(Yield ~ 1 + (1 | Batch), dyestuff, FALSE),
  rail_reml = one_way(travel ~ 1 + (1 | Rail), rail, TRUE)
)
write_json(out, "looking.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
