# What R prints for comparisons of models: Rscript make.R, in this folder.
suppressMessages({library(lme4); library(lmerTest)})
options(useFancyQuotes = FALSE, width = 100)
read <- function(file, factors) {
  data <- read.csv(file.path("..", "data", file), na.strings = "NA")
  for (f in factors) data[[f]] <- factor(data[[f]])
  data
}
show <- function(name, x) writeLines(capture.output(print(x)), paste0(name, ".txt"))

data <- read("sleepstudy.csv", "Subject")
model1 <- lmer(Reaction ~ Days + (1 | Subject), data)
model2 <- lmer(Reaction ~ Days + (Days || Subject), data)
model3 <- lmer(Reaction ~ Days + (Days | Subject), data)
model4 <- lm(Reaction ~ Days, data)
show("sleep_reml", anova(model1, model2, model3, refit = FALSE))
show("sleep_ml", suppressMessages(anova(model1, model2, model3)))
show("sleep_lm", suppressMessages(anova(model1, model4)))
show("sleep_ranova", ranova(model3))
show("sleep_uncorr_ranova", ranova(model2))
model1 <- lmer(Reaction ~ 1 + (Days | Subject), data)
model2 <- lmer(Reaction ~ Days + I(Days^2) + (Days | Subject), data)
show("sleep_fixed", suppressMessages(anova(model1, model2)))

data <- read("Machines.csv", c("Worker", "Machine"))
model1 <- lmer(score ~ Machine + (1 | Worker), data)
model2 <- lmer(score ~ Machine + (1 | Worker/Machine), data)
show("machines_reml", anova(model1, model2, refit = FALSE))
show("machines_ranova", ranova(model2))
show("machines_cell_ranova", ranova(lmer(score ~ Machine + (0 + Machine | Worker), data)))

data <- read("sim_three.csv", "g")
show("three_slopes_ranova", ranova(lmer(y ~ x1 + x2 + (x1 + x2 | g), data)))
show("three_slopes_uncorr_ranova", ranova(lmer(y ~ x1 + x2 + (x1 + x2 || g), data)))
show("three_slopes_product_ranova", ranova(lmer(y ~ x1 * x2 + (x1 * x2 | g), data, control = lmerControl(optimizer = "bobyqa"))))
