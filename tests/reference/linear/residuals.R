# Standardised residuals of linear models, from R. Run `Rscript linear/residuals.R` in tests/reference.
suppressMessages(library(jsonlite))
home <- "../../bayeslmm/datasets/data"
read <- function(name) read.csv(file.path(home, paste0(name, ".csv")), stringsAsFactors = TRUE)

oats <- read("oats")[c(1:30, 35:60, 64:72), ]  # as in make.R
oats$w <- 1 + seq_len(nrow(oats)) %% 3
oats$level <- factor(oats$nitro)
models <- list(
  oats = lm(yield ~ Variety * level + Block, oats),
  oats_weights = lm(yield ~ Variety * level, oats, weights = w),
  cake = lm(angle ~ recipe + temp + I(temp^2), read("cake")[seq_len(270) %% 7 != 0, ])
)
found <- lapply(models, function(m) list(
  rstandard = unname(rstandard(m)), leverage = unname(hatvalues(m)), cooks = unname(cooks.distance(m))))
found$made_with <- list(R = paste(R.version$major, R.version$minor, sep = "."))
write_json(found, "linear/residuals.json", digits = 12, auto_unbox = TRUE)
