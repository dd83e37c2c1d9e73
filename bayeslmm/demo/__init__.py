"""The salary analysis, told from a regression with the wrong sign to the posterior of a singular fit."""

from bayeslmm.demo.analysis import Analysis
from bayeslmm.demo.pictures import pictures
from bayeslmm.demo.report import report
from bayeslmm.demo.story import Page, tell

__all__ = ["Analysis", "Page", "pictures", "report", "tell"]
