"""Before the data are there: designs, data simulated from a stated model, recovery of its parameters, power."""
