"""The triage of a fit: what is singular, what else could be done, what the posterior says, and what to conclude."""
