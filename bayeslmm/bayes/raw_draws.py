"""Draws as a sampler gave them, before they have labels; nothing here loads a sampler."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class RawDraws:
    """Draws as a sampler gave them.

    Attributes
    ----------
    values
        Public variables by name, (chain, draw, ...).
    statistics
        By name, (chain, draw).
    """

    values: dict[str, np.ndarray]
    statistics: dict[str, np.ndarray]

    @property
    def shape(self) -> tuple[int, int]:
        """(chains, draws)."""
        chains, draws = self.values["sigma"].shape
        return chains, draws

    def kept(self, lengths: Sequence[int]) -> "RawDraws":
        """The chains and draws that keep most, if the chains have these numbers of draws; KeyboardInterrupt if none."""
        order = np.argsort(lengths)[::-1]
        most = np.asarray(lengths)[order] * np.arange(1, len(order) + 1)
        chains = np.sort(order[: int(most.argmax()) + 1])
        draws = min(int(lengths[c]) for c in chains)
        if draws == 0:
            raise KeyboardInterrupt
        cut = {name: v[chains, :draws] for name, v in self.values.items()}
        return RawDraws(cut, {name: v[chains, :draws] for name, v in self.statistics.items()})


def stacked(chains: Sequence[Sequence[np.ndarray]], n: int) -> np.ndarray:
    """(chain, n, ...) from the blocks (m, ...) of each chain; zeros where one is shorter, or has none."""
    like = next(block for blocks in chains for block in blocks)
    out = np.zeros((len(chains), n, *like.shape[1:]), dtype=like.dtype)
    for row, blocks in zip(out, chains, strict=True):
        at = 0
        for block in blocks:
            row[at : at + block.shape[0]] = block
            at += block.shape[0]
    return out
