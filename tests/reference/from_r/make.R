# Rscript make.R machines.txt: what lme4, lmerTest, emmeans and performance print for one model of nlme's Machines, with
# the ten rows left empty that Pinheiro and Bates (2000, section 1.3) leave out to show unbalanced data.
# Workers are an unordered factor: R would else code their order by polynomials, where they are a predictor.
suppressMessages({library(lme4); library(lmerTest); library(emmeans); library(performance)})
options(width = 100)
data(Machines, package = "nlme")
d <- as.data.frame(Machines)
d$Worker <- factor(d$Worker, ordered = FALSE)
d$score[c(2, 3, 6, 8, 9, 12, 19, 20, 27, 33)] <- NA
part <- function(code) {
  cat("\n# ", code, "\n", sep = "")
  found <- withVisible(eval(parse(text = code), globalenv()))
  if (found$visible) print(found$value)
}
versions <- sapply(c("lme4", "lmerTest", "emmeans", "pbkrtest", "performance"),
                   function(p) paste(p, as.character(packageVersion(p))))
sink(commandArgs(TRUE)[1])
cat("# R ", paste(R.version$major, R.version$minor, sep = "."), ", ", paste(versions, collapse = ", "), "\n", sep = "")
part("m <- lmer(score ~ Machine + (1 | Worker/Machine), d)")
part("summary(m)")
part("coef(summary(m))")
part("as.data.frame(VarCorr(m))")
part("anova(m)")
part("anova(m, ddf = \"Kenward-Roger\")")
part("ranova(m)")
part("confint(m, method = \"Wald\")")
part("confint(m, quiet = TRUE)")
part("emmeans(m, \"Machine\")")
part("pairs(emmeans(m, \"Machine\"))")
part("pairs(emmeans(m, \"Machine\", lmer.df = \"satterthwaite\"))")
part("icc(m)")
part("icc(m, by_group = TRUE)")
part("r2(m)")
part("predict(m, data.frame(Machine = c(\"A\", \"C\"), Worker = c(\"1\", \"new\")), allow.new.levels = TRUE)")
part("fixef(lmer(score ~ Machine + (1 | Worker/Machine), d, contrasts = list(Machine = \"contr.sum\")))")
part("nobs(m)")
part("REMLcrit(m)")
part("isSingular(m)")
sink()
