"""Priors on the parameters of a mixed model, and draws from its posterior; the only home of PyMC, PyTensor, nutpie."""
