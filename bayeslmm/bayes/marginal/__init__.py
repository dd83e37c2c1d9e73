"""The marginal posterior: sds, correlations and sigma alone are sampled, with b (and beta) integrated out exactly."""
