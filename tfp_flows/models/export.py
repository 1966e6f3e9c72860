"""Flows and models for programs that run without this package."""

import os
from pathlib import Path

from tfp_flows import serving
from tfp_flows.errors import InputError
from tfp_flows.flows import Flow
from tfp_flows.keras_worlds import KERAS_NAME

_MODEL = "model.keras"


def export(what, path, format: str = "saved_model", *, overwrite: bool = True) -> None:
    """Writes a flow for programs that have TensorFlow, TFLite or ONNX alone.

    A SavedModel has the signatures ``log_prob``, also the default one, ``sample`` and, where the
    flow has that direction, ``to_latent``. Inputs and outputs are named tensors, the batch first
    and of any size: ``x`` ``[n, *event_shape]`` gives ``log_prob`` ``[n]``, in nats, or
    ``latent`` ``[n, *latent_shape]``; ``count``, a number, and ``seed``, two, give ``sample``
    ``[count, *event_shape]``, those of `Flow.sample` with this seed. Conditional flows take a
    ``context`` besides, ``[m, *context_shape]``, or the entries of a dict by their names: one a
    row in ``log_prob``, while ``sample`` returns ``[count, m, *event_shape]``. Where lengths are
    free and no context map says them, ``sample`` takes ``length``, a number for each. After
    ``tf.saved_model.load`` these are functions too, of ``(x, context)`` and
    ``(count, seed, context, length)``.

    ``"tflite"`` and ``"onnx"`` write the density alone, ``log_prob.tflite`` (signature
    ``log_prob``) or ``log_prob.onnx``. In the folder, ``flow.json`` tells shapes and names.

    Args:
        what: A `Flow`; a `FlowModel`; or the path of a ``.keras`` file or of a run of
            ``tfp-flows fit``.
        path: Folder to write: whole, or not at all.
        format: ``"saved_model"``, ``"tflite"`` or ``"onnx"`` (extra ``onnx``).
        overwrite: Whether an earlier export there may be replaced; nothing else ever is.

    Raises:
        InputError: If there is no such file, format or folder, a package is missing, or the
            format lacks an operation of this flow, which is named; or if ``what`` is none of
            these.

    Example:
        >>> tff.export(model, "served/1")
        >>> served = tf.saved_model.load("served/1")         # needs no tfp_flows
        >>> density = served.signatures["log_prob"]
        >>> density(x=tf.constant(x))["log_prob"]
    """
    if isinstance(what, str | os.PathLike):
        what = _loaded(Path(what))
    if isinstance(what, Flow):
        serving.write(what, path, format, overwrite=overwrite)
        return
    if not isinstance(getattr(what, "flow", None), Flow) or not hasattr(what, "export"):
        raise InputError(
            f"A Flow, a FlowModel or the path of one is exported, got {type(what).__name__}."
        )
    what.export(path, format=format, overwrite=overwrite)


def _loaded(path: Path):
    from tfp_flows.models.saving import load

    return load(path / _MODEL if path.is_dir() else path, compile=False)


def export_model(model, path, format: str, overwrite: bool, options: dict) -> None:
    """What `FlowModel.export` does."""
    if format == "tf_saved_model":  # as Keras calls it
        format = "saved_model"
    if more := {*options} - {"verbose"}:
        raise InputError(
            f"A FlowModel is exported with format and overwrite alone, got {sorted(more)}."
        )
    about = {"keras": KERAS_NAME, **({} if model.kind is None else {"kind": model.kind})}
    serving.write(model.flow, path, format, overwrite=overwrite, about=about)
