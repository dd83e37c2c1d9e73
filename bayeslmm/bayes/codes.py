"""Which kernel the log density of a prior has: see `densities`."""

FOREIGN, NOT_A_NUMBER = -1, -2
CONSTANT, NORMAL, T, LAPLACE, LOGISTIC, LOG_NORMAL, POWER = range(7)
SMALLEST = 1e-150
