"""The exact marginal likelihood of a linear mixed model: value, gradient, conditional modes and draws."""
