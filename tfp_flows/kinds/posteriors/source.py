"""Where a posterior comes from: a model in a file of the user's own, and observations."""

import hashlib
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfp_flows.errors import InputError
from tfp_flows.kinds.posteriors.settings import PosteriorSettings
from tfp_flows.runs import code
from tfp_flows.terminal import import_tensorflow

if TYPE_CHECKING:
    from tfp_flows.vi.target import Target


class PosteriorSource:
    """A model with its observations.

    Attributes:
        name: File and name of the model.
        target: The density that is fitted.
    """

    def __init__(self, name: str, target: "Target", content: bytes):
        self.name, self.target, self._content = name, target, content

    def digest(self, form: int) -> str:
        """A fingerprint of the files of model and observations, by which changed ones show."""
        return hashlib.sha256(self._content).hexdigest()

    def describe(self) -> dict[str, Any]:
        """Names of the elements, shapes of the parts, and the number of coordinates."""
        parts = self.target.parts
        return {
            "columns": [element for element, _, _ in parts.elements()],
            "coordinates": parts.dim,
            "parts": {part.name: list(part.shape) for part in parts.parts},
        }

    def remarks(self) -> list[str]:
        """What a careful reader would say about the model before a fit."""
        if self.target.batched:
            return []
        return ["the model takes one draw at a time and is mapped over them, which is slower."]


def load(settings: PosteriorSettings) -> PosteriorSource:
    """Finds the model that a fit was asked for, and pins what was observed.

    Raises:
        InputError: If a file is missing or does not run, or the model will not do.
    """
    place, _, name = settings.data.rpartition(":")
    path = Path(place)
    content = code.read(path)
    observed = None
    if settings.observed is not None:
        content += code.read(Path(settings.observed))
        observed = _observed(Path(settings.observed))
    import_tensorflow()
    from tfp_flows.vi.target import Target

    model, own = _made(code.load(path, name), settings.data)
    if None not in (own, observed):
        raise InputError(f"{settings.data} says what was observed; leave --observed out.")
    observed = own if observed is None else observed
    if isinstance(model, Target):
        if observed is not None:
            raise InputError("A Target holds its observations already; leave --observed out.")
        return PosteriorSource(f"{path.name}:{name}", model, content)
    try:
        target = Target(model, observed=observed)
    except TypeError as error:
        raise InputError(
            f"{settings.data} is no joint distribution of TFP, no tff.vi.Target, and no function "
            f"without arguments that returns one: {error}"
        ) from error
    return PosteriorSource(f"{path.name}:{name}", target, content)


def _made(found: Any, place: str) -> tuple[Any, Mapping[str, Any] | None]:
    """The model that a name means, or that a function of this name returns, and observations."""
    import tensorflow_probability as tfp

    if callable(found) and not isinstance(found, tfp.distributions.Distribution | type):
        try:
            found = found()
        except Exception as error:  # whatever a user's function raises
            raise InputError(f"{place} fails with {code.said(error)}; correct it.") from error
    if isinstance(found, tuple) and len(found) == 2 and isinstance(found[1], Mapping):
        return found
    return found, None


def _observed(path: Path) -> dict[str, Any]:
    """Values by name.

    Raises:
        InputError: If the file holds none.
    """
    if path.suffix not in (".json", ".npz"):
        raise InputError(f"--observed is {path}; give a .json or an .npz file.")
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as archive:
                return dict(archive)
        values = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} cannot be read as {path.suffix[1:]}: {error}") from error
    if not isinstance(values, dict):
        raise InputError(
            f'{path} holds a {type(values).__name__}; give values by name, {{"y": [1.5, 2.0]}}.'
        )
    return values
