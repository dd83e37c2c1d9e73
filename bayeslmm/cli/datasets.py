"""`bayeslmm datasets`: the packaged data sets, or one of them."""

from bayeslmm import datasets
from bayeslmm.cli.terminal import Terminal


def run(name: str | None) -> None:
    """Print a line for each data set, or all about one."""
    terminal = Terminal.new()
    if name is not None:
        terminal.output(repr(datasets.describe(name)))
        return
    for each in datasets.names():
        about = datasets.describe(each)
        terminal.output(f"{each.ljust(11)} {about.title} ({about.rows} rows)\n{' ' * 12}{about.formula}")
