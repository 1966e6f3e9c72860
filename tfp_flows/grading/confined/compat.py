"""Names that submissions of 2020 use and that later versions removed."""

from typing import Any

_NUMPY = {"float": float, "int": int, "object": object, "str": str, "complex": complex}
_NUMPY_RENAMED = {
    "float_": "float64",
    "product": "prod",
    "alltrue": "all",
    "sometrue": "any",
    "Inf": "inf",
    "NaN": "nan",
    "cumproduct": "cumprod",
    "infty": "inf",
    "Infinity": "inf",
    "PINF": "inf",
    "bool8": "bool_",
    "complex_": "complex128",
    "row_stack": "vstack",
    "in1d": "isin",
}


def restore_removed_names(np: Any, tfp: Any) -> None:
    """Puts the names back, where they are missing."""
    for name, value in _NUMPY.items():
        if name not in np.__dict__:
            setattr(np, name, value)
    for old, new in _NUMPY_RENAMED.items():
        if old not in np.__dict__ and hasattr(np, new):
            setattr(np, old, getattr(np, new))
    tfb = tfp.bijectors
    if not hasattr(tfb, "AffineScalar"):
        tfb.AffineScalar = _affine_scalar(tfb)
    if not hasattr(tfb, "Affine"):
        tfb.Affine = _affine(tfb)


def draw_no_models(keras: Any) -> None:
    """Has the pictures of models be drawn by nobody: they need programs and places to write to."""
    for name in ("plot_model", "model_to_dot"):
        setattr(keras.utils, name, lambda *_, **__: None)


def _affine_scalar(tfb: Any) -> Any:
    def AffineScalar(
        shift=None, scale=None, log_scale=None, validate_args=False, name="affine_scalar"
    ):
        """``y = scale x + shift``, as in TFP until 0.11."""
        parts = [] if shift is None else [tfb.Shift(shift)]
        if scale is not None or log_scale is not None:
            parts.append(tfb.Scale(scale=scale, log_scale=log_scale))
        return tfb.Chain(parts, validate_args=validate_args, name=name)

    return AffineScalar


def _affine(tfb: Any) -> Any:
    def Affine(
        shift=None,
        scale_identity_multiplier=None,
        scale_diag=None,
        validate_args=False,
        name="affine",
    ):
        """``y = scale x + shift``, as in TFP until 0.12, for scales that are no matrices."""
        parts = [] if shift is None else [tfb.Shift(shift)]
        for scale in (scale_identity_multiplier, scale_diag):
            if scale is not None:
                parts.append(tfb.Scale(scale=scale))
        return tfb.Chain(parts, validate_args=validate_args, name=name)

    return Affine
