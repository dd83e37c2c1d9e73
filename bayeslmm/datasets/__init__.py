"""Packaged data sets with their documentation, and the salary simulator.

| name | what |
|---|---|
| `salary` | salary by grade within majors, simulated: a singular fit |
| `sleepstudy` | reaction times over days of sleep deprivation: correlated intercepts and slopes |
| `penicillin` | samples by plates: crossed factors |
| `pastes` | casks in batches: nested factors |
| `cake` | recipes and temperatures: a split plot |
| `dyestuff`, `dyestuff2` | a balanced one-way layout, and one with no variance between its batches |
| `oats` | varieties and nitrogen: a split plot in blocks |
| `machines` | workers on machines: an interaction of a fixed and a random factor |
| `orthodont` | growth of boys and girls |
| `rail` | the smallest one-way layout |
| `ergostool` | a randomised block design |
| `chickweight` | growth, unbalanced |
| `cbpp` | counts of cases in herds: a binomial response |
| `earthquake` | few and many stations for each earthquake: very unbalanced |

`describe(name)` says more: columns, units, source and a model to start with.
"""

from bayeslmm.datasets.packaged import describe, load, names
from bayeslmm.datasets.registry import Column, Dataset
from bayeslmm.datasets.salary import SalarySimulation, simulate_salary

__all__ = ["Column", "Dataset", "SalarySimulation", "describe", "load", "names", "simulate_salary"]
