"""`--flow auto` with a time: which flows, or sizes, are tried on a table before one is fitted."""

import dataclasses
from typing import TYPE_CHECKING, Any

from tfp_flows.kinds.tables.settings import COLUMNS, TableSettings

if TYPE_CHECKING:
    from tfp_flows.runs.work import Source, Work

# Densities of the model of mixed columns take a pass for each column.
_MOST_COLUMNS = 32
_SIZES = ([256, 256], [128, 128], [64, 64])


class AutoWork:
    """See `tfp_flows.runs.work.Choosing`."""

    def __init__(self, settings: TableSettings):
        from tfp_flows.kinds.tables.work import work_of

        self._settings = settings
        self._candidates = candidates(settings)
        self.first: Work = work_of(self._candidates[0])

    def source(self) -> "Source":
        """The table."""
        return self.first.source()

    def build(self, source: "Source") -> Any:
        """The model of the first candidate."""
        return self.first.build(source)

    def candidates(self) -> list[TableSettings]:
        """Settings to be tried."""
        return self._candidates


def candidates(settings: TableSettings) -> list[TableSettings]:
    """What is tried on a table.

    On plain numbers `maf`, autoregressive spline flows and, with 32 columns or fewer, `columns`; on
    mixed tables three sizes of `columns`.
    """
    from tfp_flows.kinds.tables.frames import is_plain, number_of_columns

    def one(flow: str, **more: Any) -> TableSettings:
        return dataclasses.replace(settings, **more).of_flow(flow)

    if settings.of_columns or not is_plain(settings):
        return [one(COLUMNS, hidden=size) for size in _SIZES]
    plain = [one("maf"), one("nsf", flow_option={"mode": "autoregressive"})]
    few = number_of_columns(settings) <= _MOST_COLUMNS
    return [*plain, one(COLUMNS)] if few else plain
