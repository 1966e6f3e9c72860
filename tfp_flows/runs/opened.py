"""A finished run, opened."""

import functools
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tfp_flows.errors import InputError
from tfp_flows.runs import folder, record
from tfp_flows.runs.kind import Kind, load
from tfp_flows.runs.settings import Settings
from tfp_flows.runs.work import Drawing
from tfp_flows.terminal import import_tensorflow


def metrics_of(path: Path) -> dict[str, Any]:
    """Reads the record of a finished run.

    Raises:
        InputError: If the folder is none, the fit in it is not finished, or the record is damaged.
    """
    if not path.is_dir():
        raise InputError(f"There is no folder {path}; give the --out of a tfp-flows fit.")
    # While a new fit is to replace it, the earlier run is still whole.
    if not (path / folder.METRICS).exists() or (path / folder.SETTINGS).exists():
        if (path / folder.NEW).exists() or (path / folder.SETTINGS).exists():
            raise InputError(
                f"The fit in {path} is not finished; finish it with tfp-flows fit --resume --out "
                f"{path}"
            )
        raise InputError(f"{path} holds no {folder.METRICS}; give the --out of a tfp-flows fit.")
    return record.read(path / folder.METRICS)


class Run:
    """A finished run; `tfp_flows.open_run` opens one.

    Attributes:
        path: Its folder.
        kind: Name of its kind of work.
        settings: What the fit was asked for.
        metrics: The content of ``metrics.json``.

    Raises:
        InputError: If the record is damaged.
    """

    def __init__(self, path: Path, kind: Kind, metrics: dict[str, Any]):
        self.path, self.metrics, self._kind = path, metrics, kind
        place = path / folder.METRICS
        self.settings: Settings = kind.settings.restore(metrics.get("settings"), place)
        needed = {"data": kind.described, "training": {"history": dict}, "test": {}}
        for section, entries in needed.items():
            found = metrics.get(section)
            if not isinstance(found, dict) or not all(
                isinstance(found.get(name), of) for name, of in entries.items()
            ):
                raise InputError(f"{place} is not a record of tfp-flows fit, or is damaged.")

    def __reduce__(self):
        # Another process loads the model itself.
        return type(self), (self.path, self._kind, self.metrics)

    @property
    def kind(self) -> str:
        """Name of the kind of work."""
        return self._kind.name

    @property
    def history(self) -> dict[str, list[float]]:
        """Losses and other values, one an epoch; not a number where they were not finite."""
        return {
            name: [math.nan if value is None else value for value in values]
            for name, values in self.metrics["training"]["history"].items()
        }

    @functools.cached_property
    def work(self) -> Any:
        """The `work.Work` of the run."""
        return load(self._kind.work)(self.settings)

    @functools.cached_property
    def model(self) -> Any:
        """The model, loaded when it is first asked for.

        Raises:
            InputError: If it is missing, damaged, or not the one of this run.
        """
        import_tensorflow()
        from tfp_flows import models

        path = self.path / folder.MODEL
        model = models.load(path, compile=False)
        shape = getattr(getattr(model, "flow", None), "event_shape", None)
        if shape is None or list(shape) != self.work.event_shape(self.metrics):
            record_of = self.path / folder.METRICS
            raise InputError(f"{path} is not the model that belongs to {record_of}.")
        return model

    def source(self) -> Any:
        """What was fitted to, as it was.

        Raises:
            InputError: If it is gone or has changed since.
        """
        source = self.work.source()
        # Of images, format 0 keeps no fingerprint once the fit is finished.
        known = self.metrics["data"].get("digest")
        if known is not None and source.digest(self.metrics["format"]) != known:
            raise InputError(f"{self.settings.data} has changed since the fit.")
        return source

    def pictures(self, find: Callable[[], Any | None]) -> Iterator[Drawing]:
        """Its pictures, the main one first; see `work.Work.draw` for ``find``."""
        from tfp_flows.runs.engine import pictures

        return pictures(self._kind, self.work, self.model, find, self.metrics)
