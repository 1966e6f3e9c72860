"""From the options of `fit` to settings: which kind of data, which defaults, new or resumed."""

from pathlib import Path
from typing import Any

from tfp_flows.cli import fit as table_fit
from tfp_flows.cli.image_settings import IMAGE_FLOWS, ImageSettings, is_record_of_images
from tfp_flows.cli.settings import FitSettings, parse_columns, parse_flow_options, parse_hidden
from tfp_flows.errors import InputError

_TABLE_DEFAULTS = {"epochs": 500, "patience": 30, "batch_size": 256, "learning_rate": 5e-3}
_IMAGE_DEFAULTS = {"epochs": 100, "patience": 20, "batch_size": 32, "learning_rate": 1e-3}
_FOR_TABLES = ("columns", "drop_invalid", "rows", "layers", "dtype")
_FOR_IMAGES = ("size", "grey", "flip", "by_class", "minutes", "tensorboard")


def fit(options: dict[str, Any], given: set[str]) -> None:
    """Does what `fit` was asked for.

    Args:
        options: The options as they were parsed.
        given: Names of those that stood on the command line.

    Raises:
        InputError: If options are missing, contradict one another or are out of range.
    """
    rate, out = options["learning_rate"], options["out"]
    if rate is not None and not 0 < rate < float("inf"):
        raise InputError(f"--learning-rate is {rate:g}; give a positive number.")
    if options["data"] is None and not options["resume"]:
        raise InputError("DATA is missing; give a toy's name or a file, or --resume.")
    if options["resume"] and options["overwrite"]:
        raise InputError("--resume keeps what --overwrite removes; give one of them.")
    record = table_fit.record_to_resume(out) if options["resume"] else None
    if options["resume"] and record is None:
        return
    flow = options["flow"].replace("-", "_")
    of_images = flow in IMAGE_FLOWS if record is None else is_record_of_images(record)
    _refuse(given, _FOR_TABLES if of_images else _FOR_IMAGES, flow, of_images)
    settings = _image_settings(options, flow) if of_images else _table_settings(options)
    if record is None:
        module = _image_fit() if of_images else table_fit
        module.new_fit(settings, out, overwrite=options["overwrite"])
        return
    names = {"plots" if name == "no_plots" else name for name in given}
    repeated = {k: v for k, v in vars(settings).items() if k in names}
    (_image_fit() if of_images else table_fit).resumed_fit(repeated, out, record)


def _refuse(given, names, flow, of_images):
    for name in names:
        if name in given:
            kind = "a flow of images" if of_images else "no flow of images"
            raise InputError(f"{flow} is {kind}; leave --{name.replace('_', '-')} out.")


def _image_fit():
    from tfp_flows.cli import image_fit

    return image_fit


def _common(options, defaults) -> dict[str, Any]:
    values = {name: options[name] for name in ("key", "seed", *defaults)}
    values |= {name: value for name, value in defaults.items() if options[name] is None}
    values["hidden"] = parse_hidden(options["hidden"])
    values["flow_option"] = parse_flow_options(options["flow_option"] or [])
    values["plots"] = not options["no_plots"]
    return values


def _table_settings(options) -> FitSettings:
    from tfp_flows.cli import source

    data, rows = options["data"], options["rows"]
    if data is not None:
        data, rows = source.resolve(data, rows)
    return FitSettings(
        data=data or "",
        columns=parse_columns(options["columns"]),
        drop_invalid=options["drop_invalid"],
        rows=rows,
        flow=options["flow"],
        layers=options["layers"],
        dtype=options["dtype"].value,
        **_common(options, _TABLE_DEFAULTS),
    )


def _image_settings(options, flow) -> ImageSettings:
    data, logs = options["data"] or "", options["tensorboard"]
    if logs is not None and options["no_plots"]:
        raise InputError("--tensorboard shows samples, --no-plots draws none; give one of them.")
    path = Path(data)
    own = {name: options[name] for name in _FOR_IMAGES}
    own["tensorboard"] = None if logs is None else str(logs.resolve())
    return ImageSettings(
        data=str(path.resolve()) if data and path.exists() else data,
        flow=flow,
        **own,
        **_common(options, _IMAGE_DEFAULTS),
    )
