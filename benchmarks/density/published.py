"""Published test log-likelihoods, and in which way a run here differs from them."""

from collections.abc import Mapping
from types import MappingProxyType

from tfp_flows.datasets import MAF_SIZES

_MAF = "Papamakarios et al. 2017, arXiv:1705.07057"
_FFJORD = "Grathwohl et al. 2019, arXiv:1810.01367"
_NAF = "Huang et al. 2018, arXiv:1804.00779"
_NSF = "Durkan et al. 2019, arXiv:1906.04032"

_COLUMNS = ("power", "gas", "hepmass", "miniboone", "bsds300")
_ROWS = (
    ("Gaussian", _MAF, (-7.74, -3.58, -27.93, -37.24, 96.67)),
    ("MADE", _MAF, (-3.08, 3.56, -20.98, -15.59, 148.85)),
    ("RealNVP (5)", _MAF, (-0.02, 4.78, -19.62, -13.55, 152.97)),
    ("RealNVP (10)", _MAF, (0.17, 8.33, -18.71, -13.84, 153.28)),
    ("MAF (5)", _MAF, (0.14, 9.07, -17.70, -11.75, 155.69)),
    ("MAF (10)", _MAF, (0.24, 10.08, -17.73, -12.24, 154.93)),
    ("FFJORD", _FFJORD, (0.46, 8.59, -14.92, -10.43, 157.40)),
    ("NAF", _NAF, (0.62, 11.96, -15.09, -8.86, 157.73)),
    ("MAF with ResMADE and LU layers", _NSF, (0.45, 12.35, -17.03, -10.92, 156.95)),
    ("RQ-NSF (C)", _NSF, (0.64, 13.09, -14.75, -9.67, 157.54)),
    ("RQ-NSF (AR)", _NSF, (0.66, 13.09, -14.01, -9.22, 157.31)),
)

PUBLISHED: Mapping[str, Mapping[str, tuple[float, str]]] = MappingProxyType(
    {
        kind: {model: (figures[i], source) for model, source, figures in _ROWS}
        for i, kind in enumerate(_COLUMNS)
    }
)
"""Table of the MAF paper to model to test log-likelihood, in nats, and the source."""

_LONGER = "The published models were trained until they no longer improved, not for a fixed time."


def table_of(kind: str) -> str | None:
    """The published table that data of a kind stand beside; None if there is none."""
    return "bsds300" if kind == "bsds" else kind if kind in PUBLISHED else None


def differences(kind: str, size: int, rows: Mapping[str, int]) -> str:
    """In which way the data differ from the published table's, in a sentence or two.

    Args:
        kind: Kind of the data.
        size: Number of dimensions.
        rows: Number of training, validation and test rows, in this order.
    """
    table = table_of(kind)
    if table is None:
        return ""
    published = MAF_SIZES[table]
    if kind == "bsds":
        data = (
            "These are other random patches of the same photographs than those of BSDS300, and "
            f"other in number ({_counts(rows.values())}; BSDS300 {_counts(published[1:])}), so the "
            "figures are close but not those of one test set."
        )
    elif (size, *rows.values()) != published:
        data = (
            f"The data have {size} columns and {_counts(rows.values())} rows, those of the "
            f"published figures {published[0]} and {_counts(published[1:])}: the two do not "
            "compare."
        )
    elif kind == "bsds300":
        data = "The data are the published ones."
    else:
        data = "The data have the published size, but were prepared and split anew."
    return f"{data} {_LONGER}"


def _counts(rows) -> str:
    return " / ".join(f"{count:,}" for count in rows)
