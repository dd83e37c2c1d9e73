"""Run the chains of the marginal posterior: warm-up, blocks of draws, exact draws of (beta, b), all as they come.

Small problems run chain beside chain, each thread with workspaces of its own; a large one takes all threads for one
evaluation, and its chains run one after the other. Which thread ran what, in blocks of which length, changes no bit.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from queue import Queue
from threading import Event
from time import perf_counter
from typing import Any, Protocol

import numpy as np

from bayeslmm.bayes.integrated import Integrated
from bayeslmm.bayes.marginal import nuts
from bayeslmm.bayes.marginal.chain import Chain, windows
from bayeslmm.bayes.marginal.mode import Gaussian, at_mode
from bayeslmm.bayes.marginal.target import Target
from bayeslmm.bayes.priors import Priors
from bayeslmm.bayes.raw_draws import RawDraws, stacked
from bayeslmm.bayes.settings import Settings
from bayeslmm.design import Design
from bayeslmm.likelihood.threads import one_blas_thread

FIRST_BLOCK, BLOCK_SECONDS = 20, 0.2
State = dict[str, np.ndarray]


class Sink(Protocol):
    """Where blocks of draws go as they come."""

    def block(
        self,
        chain: int,
        start: int,
        values: Mapping[str, np.ndarray],
        statistics: Mapping[str, np.ndarray],
        state: State,
    ) -> None:
        """Take draws `start`, `start` + 1, ... of a chain, (n, ...), and what is needed to go on after them."""


class Progress(Protocol):
    """Who is told how far the chains are."""

    def update(self, chain: int, done: int, total: int, divergences: int, step_size: float) -> None:
        """Take the state of one chain, of whose `total` draws those of warm-up are part."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Draws of one chain as a worker gives them; during warm-up there are none, only news.

    Attributes
    ----------
    chain, start, done
        Number of the chain, of the first draw, and of draws behind it, warm-up among them.
    values, statistics, state
        As a `Sink` takes them.
    divergences, step
        News.
    """

    chain: int
    start: int
    done: int
    values: dict[str, np.ndarray]
    statistics: dict[str, np.ndarray]
    state: State
    divergences: int
    step: float


def run(
    design: Design,
    priors: Priors,
    settings: Settings,
    sink: Sink | None = None,
    progress: Progress | None = None,
    resume: Sequence[State | None] = (),
) -> RawDraws:
    """Sample the marginal posterior.

    Parameters
    ----------
    design, priors, settings
        Arrays, priors, and how much to draw.
    sink, progress
        Where draws and news go, from the caller's thread.
    resume
        For each chain the state after its last draw in the sink; None or missing: it starts anew. What is returned are
        the draws after it.

    Raises
    ------
    ArgumentError
        There is no density where sampling starts.
    KeyboardInterrupt
        Ctrl-C before there was a draw to keep.
    """
    with one_blas_thread():
        target = Target.of(Integrated.of(design, priors), design.terms)
        states = [*resume, *[None] * (settings.chains - len(resume))]
        gaussian = at_mode(target.log_density, np.zeros(target.scalars.d))
        return _collect(target, gaussian, settings, states, sink, progress)


def _collect(
    target: Target,
    gaussian: Gaussian,
    settings: Settings,
    states: Sequence[State | None],
    sink: Sink | None,
    progress: Progress | None,
) -> RawDraws:
    """Start the workers, and take what they give until all chains are done, or until Ctrl-C."""
    run = _Run(gaussian, settings, states, deque(range(settings.chains)), Queue(), Event())
    blocks: list[list[Block]] = [[] for _ in range(settings.chains)]
    running = min(settings.cores, settings.chains) if target.is_small else 1
    taken: deque[Block] = deque()
    failure: BaseException | None = None
    with ThreadPoolExecutor(running) as pool:
        for own in (target, *(target.copy() for _ in range(running - 1))):
            pool.submit(_work, run, own)
        while running or taken:
            try:
                while taken:  # again after Ctrl-C, so that no block is lost
                    _take(taken[0], sink, progress, settings)
                    blocks[taken[0].chain].append(taken[0])
                    taken.popleft()
                news = run.queue.get() if running else None
                if isinstance(news, Block):
                    taken.append(news)
                elif isinstance(news, BaseException):
                    failure = news
                    run.stop.set()
                elif running:
                    running -= 1
            except KeyboardInterrupt:
                if run.stop.is_set():
                    raise
                run.stop.set()
            except BaseException:
                run.stop.set()
                raise
    if failure is not None:
        raise failure
    return _joined(blocks)


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    """What the workers share."""

    gaussian: Gaussian
    settings: Settings
    states: Sequence[State | None]
    waiting: deque[int]
    queue: "Queue[Block | BaseException | None]"
    stop: Event


def _work(run: _Run, target: Target) -> None:
    """Run one waiting chain after the other; None in the queue says that there are no more."""
    try:
        with target.by_address() as density:
            while run.waiting and not run.stop.is_set():
                try:
                    number = run.waiting.popleft()
                except IndexError:
                    break
                for block in _chain(run, target, density, number):
                    run.queue.put(block)
    except BaseException as error:
        run.queue.put(error)
    finally:
        run.queue.put(None)


def _chain(run: _Run, target: Target, density: Any, number: int) -> Iterator[Block]:
    """Blocks of one chain, until it is done or told to stop."""
    settings, state = run.settings, run.states[number]
    if state is None:
        chain = Chain.begin(number, settings.seed, run.gaussian, partial(_is_finite, target))
        yield from _warm_up(run, target, density, chain)
    else:
        chain = Chain.resumed(number, settings.seed, state, target.n_normals)
    divergences = 0
    for x, statistics in _blocks(run, target, density, chain, settings.draws - chain.done):
        n, start = x.shape[0], chain.done
        values = target.values(x, chain.normals(n, target.n_normals))
        chain.done += n
        divergences += int(statistics[:, nuts.DIVERGING].sum())
        behind = settings.tune + chain.done
        yield Block(
            number, start, behind, values, named(statistics), chain.state(settings.tune), divergences, chain.step
        )


def _warm_up(run: _Run, target: Target, density: Any, chain: Chain) -> Iterator[Block]:
    """Tune a chain; blocks without draws tell how far it is."""
    sizes, behind = list(windows(run.settings.tune)), 0
    for i, size in enumerate(sizes):
        parts = []
        for x, _ in _blocks(run, target, density, chain, size, tuning=True):
            parts.append(x)
            behind += x.shape[0]
            yield Block(chain.number, 0, behind, {}, {}, {}, 0, chain.step)
        if not run.stop.is_set() and i < len(sizes) - 1:
            chain.whiten(np.concatenate(parts))


def _blocks(
    run: _Run, target: Target, density: Any, chain: Chain, n: int, tuning: bool = False
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Draws (m, d) and statistics (m, 7) until there are n, in blocks of about `BLOCK_SECONDS`."""
    size = FIRST_BLOCK if target.is_small else 1
    while n and not run.stop.is_set():
        size = min(n, size)
        start = perf_counter()
        yield chain.draw(density, target.problem, size, run.settings.target_accept, tuning)
        n -= size
        share = BLOCK_SECONDS / max(perf_counter() - start, 1e-6)
        size = max(1, int(size * min(share, 50)))


def _is_finite(target: Target, x: np.ndarray) -> bool:
    gradient = np.empty_like(x)
    return bool(np.isfinite(target.log_density(x, gradient)) and np.isfinite(gradient).all())


def named(statistics: np.ndarray) -> dict[str, np.ndarray]:
    """Statistics (n, 7) by name."""
    return {
        "diverging": statistics[:, nuts.DIVERGING] > 0,
        "energy": statistics[:, nuts.ENERGY],
        "lp": statistics[:, nuts.LP],
        "acceptance_rate": statistics[:, nuts.ACCEPTANCE],
        "step_size": statistics[:, nuts.STEP],
        "n_steps": statistics[:, nuts.LEAVES].astype(np.int64),
        "tree_depth": statistics[:, nuts.DEPTH].astype(np.int64),
        "reached_max_treedepth": statistics[:, nuts.DEPTH] >= nuts.MAX_DEPTH,
    }


def _take(block: Block, sink: Sink | None, progress: Progress | None, settings: Settings) -> None:
    if sink is not None and block.values:
        sink.block(block.chain, block.start, block.values, block.statistics, block.state)
    if progress is not None:
        progress.update(block.chain, block.done, settings.tune + settings.draws, block.divergences, block.step)


def _joined(blocks: list[list[Block]]) -> RawDraws:
    """All chains; where some are shorter, the chains and draws that keep most."""
    kept = [[b for b in chain if b.values] for chain in blocks]
    lengths = [sum(b.values["sigma"].shape[0] for b in chain) for chain in kept]
    first = next((chain[0] for chain in kept if chain), None)
    if first is None:
        raise KeyboardInterrupt
    values = {name: stacked([[b.values[name] for b in c] for c in kept], max(lengths)) for name in first.values}
    stats = {name: stacked([[b.statistics[name] for b in c] for c in kept], max(lengths)) for name in first.statistics}
    raw = RawDraws(values, stats)
    return raw if len(set(lengths)) == 1 else raw.kept(lengths)
