"""The paragraphs of a paper: methods and results, in the style of the American Psychological Association."""
