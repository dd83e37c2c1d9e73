"""What people hold, read and plot: fits, posteriors, their tables, words, pictures and reports."""
