"""Cross-products of rows, summed by cell in one pass."""

from bayeslmm.likelihood.compiled.vectors import compiled


@compiled
def sum_outer(left, right, weights, cell, out):
    """Add w_i left[i] right[i]' over the rows i of each cell: (n, a), (n, b), (n,), (n,) -> (a, b, n_cells)."""
    for i in range(cell.size):
        c = cell[i]
        for x in range(left.shape[1]):
            value = weights[i] * left[i, x]
            for y in range(right.shape[1]):
                out[x, y, c] += value * right[i, y]
