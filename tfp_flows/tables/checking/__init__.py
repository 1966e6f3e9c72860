"""Whether a model of a table is right: samples and densities beside rows that it has not seen."""

from tfp_flows.tables.checking.run import check
from tfp_flows.tables.checking.verdict import Measure, Verdict

__all__ = ["Measure", "Verdict", "check"]
