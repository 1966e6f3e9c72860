"""Tables as people have them: columns of any type, gaps, conditions on any of them."""

from tfp_flows.tables.fitting import fit
from tfp_flows.tables.model import TableModel
from tfp_flows.tables.schema import Schema, read_schema

__all__ = ["Schema", "TableModel", "fit", "read_schema"]
