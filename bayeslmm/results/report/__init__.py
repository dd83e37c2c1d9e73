"""Reports: verdict first, then sections of words, tables and pictures, in one HTML file that needs nothing else."""

from bayeslmm.results.report.blocks import Block, Code, CopyText, Paragraph, Picture, Report, Section, Table

__all__ = ["Block", "Code", "CopyText", "Paragraph", "Picture", "Report", "Section", "Table"]
