"""The checks behind `blm.advise`, by what they look at: slopes, predictors, groups, the labels of groups."""
