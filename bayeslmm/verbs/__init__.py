"""What people call: one verb a file; `imputed` is what `lmer` and `brm` do with several frames."""
