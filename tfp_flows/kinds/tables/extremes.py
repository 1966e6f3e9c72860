"""The rows of a streamed table that hold the least and the greatest number of a column."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


class Extremes:
    """Rows with the least and the greatest number of each column, of frames that come in turn."""

    def __init__(self):
        self._rows = 0
        self._found: dict[tuple[str, int], tuple[float, pd.DataFrame]] = {}

    def add(self, frame: "pd.DataFrame") -> None:
        """Looks at the next rows."""
        for name in frame.columns:
            values = frame[name].to_numpy()
            if values.dtype.kind not in "iuf":
                continue
            x = values.astype(np.float64)
            there = np.flatnonzero(np.isfinite(x))
            for sign in (1, -1) if len(there) else ():
                place = there[np.argmin(sign * x[there])]
                known = self._found.get((name, sign))
                if known is None or sign * x[place] < sign * known[0]:
                    row = frame.iloc[[place]].set_axis([self._rows + place])
                    self._found[name, sign] = float(x[place]), row
        self._rows += len(frame)

    def beside(self, sample: "pd.DataFrame") -> "pd.DataFrame":
        """A sample of the rows, and behind it those that are beyond its own extremes."""
        import pandas as pd

        rows = []
        for (name, sign), (number, row) in self._found.items():
            x = pd.to_numeric(sample[name], errors="coerce").to_numpy(np.float64)
            x = x[np.isfinite(x)]
            if not len(x) or sign * number < (sign * x).min():
                rows.append(row)
        if not rows:
            return sample
        beyond = pd.concat(rows)
        beyond = beyond[~beyond.index.duplicated()]
        return pd.concat([sample, beyond], ignore_index=True)
