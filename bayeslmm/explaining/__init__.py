"""What a formula says: in words, as equations, against the data; and what does not fit, with the cure."""
