"""The optimum of the criterion and its proof; tests, degrees of freedom and intervals of frequentist inference."""
