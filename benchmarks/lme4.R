# lme4's side of fit.py: reads one request a line, answers one line of JSON.
#   data NAME           writes an lme4 data set to NAME.csv
#   fit NAME FORMULA    fits NAME.csv by REML, once, and times it
suppressMessages(library(lme4))
folder <- commandArgs(TRUE)[1]
frames <- list()
read <- function(name) {
  d <- read.csv(file.path(folder, paste0(name, ".csv")))
  types <- scan(file.path(folder, paste0(name, ".types")), what = "", sep = "\n", quiet = TRUE)
  for (column in types) d[[column]] <- factor(d[[column]])
  d
}
answer <- function(...) { cat(sprintf(...), "\n", sep = ""); flush(stdout()) }
answer('{"lme4": "%s", "R": "%s", "blas": "%s"}', packageVersion("lme4"), getRversion(), basename(extSoftVersion()["BLAS"]))
input <- file("stdin"); open(input)
while (length(line <- readLines(input, n = 1)) > 0) {
  words <- strsplit(line, "\t")[[1]]
  if (words[1] == "data") {
    write.csv(get(words[2]), file.path(folder, paste0(words[2], ".csv")), row.names = FALSE)
    answer('{}')
  } else {
    name <- words[2]
    if (is.null(frames[[name]])) frames[[name]] <- read(name)
    d <- frames[[name]]
    f <- as.formula(words[3])
    seconds <- system.time(m <- suppressWarnings(suppressMessages(lmer(f, d))))[["elapsed"]]
    answer('{"seconds": %.6f, "criterion": %.10f, "evaluations": %d}', seconds, REMLcrit(m), m@optinfo$feval)
  }
}
