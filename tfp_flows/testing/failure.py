"""What a check says when it fails."""

import contextlib

import numpy as np


class CheckFailed(AssertionError):
    """A check found a fault; the message names it, with the place and the size."""


def require(condition, message: str) -> None:
    """Raises `CheckFailed` with this message unless the condition holds."""
    if not condition:
        raise CheckFailed(message)


def _shown(values) -> str:
    return np.array2string(np.asarray(values), precision=4, threshold=12).replace("\n", "")


def require_close(actual, expected, tolerance: float, what: str, of: str, *, at=None) -> None:
    """Compares two arrays to a relative and absolute tolerance.

    Args:
        actual: What was computed.
        expected: What it is compared with.
        tolerance: Bound on the difference, relative to 1 + the size of the expected value.
        what: What ``actual`` is, for the message.
        of: What ``expected`` is.
        at: Inputs with the batch axes of ``actual`` in front, to name the place.

    Raises:
        CheckFailed: If shapes differ, or a value is not finite or too far.
    """
    actual, expected = np.asarray(actual), np.asarray(expected)
    if actual.shape != expected.shape:
        raise CheckFailed(f"{what} has shape {actual.shape}, but {of} has {expected.shape}.")
    if not actual.size:
        return
    difference = np.abs(actual.astype(np.float64) - expected)
    with np.errstate(invalid="ignore"):
        share = difference / (1 + np.abs(expected))
    share = np.where(np.isfinite(share), share, np.inf)
    worst = np.unravel_index(np.argmax(share), share.shape)
    if share[worst] <= tolerance:
        return
    place = ""
    if at is not None:
        at = np.asarray(at)
        place = f" at {_shown(at[worst[: min(len(worst), at.ndim - 1)]])}"
    hint = ""
    if actual.ndim and np.allclose(actual, -expected, rtol=tolerance, atol=tolerance):
        hint = "; it has the wrong sign"
    raise CheckFailed(
        f"{what} differs from {of} by {difference[worst]:.2g} ({actual[worst]:.6g} instead of "
        f"{expected[worst]:.6g}){place}{hint}."
    )


@contextlib.contextmanager
def telling(name: str, check: str):
    """Turns any error of user code inside a check into a `CheckFailed` that names both."""
    try:
        yield
    except CheckFailed as error:
        raise CheckFailed(f"{name}, check {check!r}: {error}") from error.__cause__
    except Exception as error:
        reason = " ".join(str(error).split())[:400]
        raise CheckFailed(
            f"{name}, check {check!r}: raised {type(error).__name__}: {reason}"
        ) from error
