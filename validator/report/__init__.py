"""Reports: what the gate has to say, for people and for machines.

Only light things are loaded here; a format's own libraries are loaded when it renders.
"""

from validator.report.interface import Check, FileFormat, Report
from validator.report.registry import FORMATS

__all__ = ["FORMATS", "Check", "FileFormat", "Report"]
