"""Loading of saved models, with errors that say what is wrong with a file."""

import importlib
import json
import zipfile
from pathlib import Path

import h5py
import tensorflow as tf

from tfp_flows.errors import InputError
from tfp_flows.formats import check_format
from tfp_flows.keras_worlds import KERAS_NAME, how_to_become, library_of_version
from tfp_flows.models.flow_layer import FlowLayer
from tfp_flows.models.flow_model import FlowModel
from tfp_flows.models.tracking import HoldsFlow

_IN_RUN = "model.keras"
# Models of upper floors, whose module is imported when a file holds one.
_ELSEWHERE = {
    "Inspector": "tfp_flows.anomaly",
    "PosteriorModel": "tfp_flows.vi.saving",
    "AmortisedModel": "tfp_flows.vi.saving",
    "TableModel": "tfp_flows.tables.model",
    "AgentModel": "tfp_flows.rl.saving",
}


def load(path, *, compile: bool = True):
    """Loads what ``model.save("model.keras")`` wrote.

    Classes of your own must be imported before.

    Args:
        path: The ``.keras`` file, of a `FlowModel` or of a Keras model with `FlowLayer`s; or the
            folder of a finished ``tfp-flows fit``.
        compile: Whether to restore optimizer and compilation. A `FlowModel` of the other Keras
            (Keras 3, tf_keras) loads without them, always; another model of the other Keras does
            not load.

    Returns:
        The model, with every weight bit-exact; a `tfp_flows.vi.Posterior` from its file.

    Raises:
        InputError: If the file is missing, corrupt, of a newer version or not a Keras model, or if
            it is of the other Keras and holds more than a flow.
    """
    path = Path(path)
    path = path / _IN_RUN if path.is_dir() else path
    if not path.is_file():
        raise InputError(f"No model file at {str(path)!r}; give the .keras file that was saved.")
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
            written = json.loads(archive.read("config.json"))
            metadata = json.loads(archive.read("metadata.json"))
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, EOFError) as error:
        raise InputError(f"{str(path)!r} is not a .keras model file ({error}).") from error
    if damaged:
        raise InputError(f"{str(path)!r} is damaged: its part {damaged!r} does not check.")
    if "tfp_flows" not in json.dumps(written):
        raise InputError(f"{str(path)!r} holds no flow: it is a model of another kind.")
    check_format(written["config"], path)
    library = written["config"].get("keras") or library_of_version(metadata.get("keras_version"))
    custom = {"FlowModel": FlowModel, "FlowLayer": FlowLayer, **_subclasses_in(written)}
    try:
        if library != KERAS_NAME:
            return _as_loaded(_of_other_keras(path, written, custom, library))
        model = tf.keras.models.load_model(path, custom_objects=custom, compile=compile)
    except InputError:
        raise
    except (TypeError, ValueError, KeyError, OSError) as error:
        reason = " ".join(str(error).split()) or repr(error)
        raise InputError(f"Cannot load the model in {str(path)!r}: {reason[:400]}") from error
    return _as_loaded(model)


def _as_loaded(model):
    """What a model stands for in its file, mostly itself."""
    stands_for = getattr(model, "as_loaded", None)
    return model if stands_for is None else stands_for()


def _of_other_keras(path, written, custom, library):
    """A `FlowModel` that the other Keras saved; its networks stay those of their own Keras."""
    cls = custom.get(written["class_name"])
    with zipfile.ZipFile(path) as archive, h5py.File(archive.open("model.weights.h5")) as weights:
        more = _groups_with_weights(weights) - {"", "optimizer", "metrics"}
        if cls is None or not issubclass(cls, FlowModel) or more:
            raise InputError(
                f"{str(path)!r} was saved under {library} and holds more than a flow; load it "
                f"there ({how_to_become(library)}) and save its flow by "
                "itself, tff.FlowModel(layer.flow).save(...), which loads here too."
            )
        model = cls.from_config(written["config"])
        model.load_own_variables(weights["vars"])
    return model


def _groups_with_weights(weights) -> set[str]:
    found = set()
    weights.visit(lambda name: found.add(name) if name.endswith("vars") else None)
    return {
        name.removesuffix("vars").split("/")[0]
        for name in found
        if isinstance(weights[name], h5py.Group) and len(weights[name])
    }


def _subclasses_in(written) -> dict[str, type]:
    """The classes that a file names and a user derived from ours, by the names in it.

    Args:
        written: The configuration of a saved model, read from JSON.

    Raises:
        InputError: If a name may mean several.
    """
    for entry in _entries(written):
        if entry["class_name"] in _ELSEWHERE:
            importlib.import_module(_ELSEWHERE[entry["class_name"]])
    known, waiting = [], [HoldsFlow]
    while waiting:
        known += (derived := waiting.pop().__subclasses__())
        waiting += derived
    found: dict[str, type] = {}
    for entry in _entries(written):
        name = entry["class_name"]
        named = [cls for cls in known if cls.__name__ == name]
        exact = [cls for cls in named if cls.__module__ == entry.get("module")][-1:]
        choice = exact or named
        if len(choice) > 1 or (choice and found.setdefault(name, choice[0]) is not choice[0]):
            modules = " and ".join(sorted({cls.__module__ for cls in named}))
            raise InputError(
                f"The file names a class {name!r}, and both {modules} define one; register each "
                "with keras.saving.register_keras_serializable(package=...), under another package."
            )
    return found


def _entries(data):
    """All parts of a configuration that name a class."""
    if isinstance(data, dict):
        if "class_name" in data:
            yield data
        data = list(data.values())
    if isinstance(data, list):
        for item in data:
            yield from _entries(item)
