"""Loading of saved models, with errors that say what is wrong with a file."""

import json
import zipfile
from pathlib import Path

import tensorflow as tf

from tfp_flows.errors import InputError
from tfp_flows.keras_worlds import KERAS3, KERAS_NAME, how_to_become
from tfp_flows.models.flow_layer import FlowLayer
from tfp_flows.models.flow_model import FlowModel


def load(path, *, compile: bool = True):
    """Loads what ``model.save("model.keras")`` wrote.

    Classes of your own must be imported before.

    Args:
        path: The ``.keras`` file, of a `FlowModel` or of a Keras model with `FlowLayer`s.
        compile: Whether to restore optimizer and compilation; a model of tf_keras loads into
            Keras 3 without them, and a model of Keras 3 does not load into tf_keras.

    Returns:
        The model, with every weight bit-exact.

    Raises:
        InputError: If the file is missing, corrupt, or not a Keras model.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"No model file at {str(path)!r}; give the .keras file that was saved.")
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
            written = json.loads(archive.read("config.json"))
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, EOFError) as error:
        raise InputError(f"{str(path)!r} is not a .keras model file ({error}).") from error
    if damaged:
        raise InputError(f"{str(path)!r} is damaged: its part {damaged!r} does not check.")
    if "tfp_flows" not in json.dumps(written):
        raise InputError(f"{str(path)!r} holds no flow: it is a model of another kind.")
    library = written["config"].get("keras", KERAS_NAME)
    if library != KERAS_NAME and KERAS3:
        # Keras 3 reads the weights of tf_keras, but not its optimizers.
        compile = False
    elif library != KERAS_NAME:
        raise InputError(
            f"{str(path)!r} was saved under {library}, but tf.keras is {KERAS_NAME} here; "
            f"{how_to_become(library)}."
        )
    custom = {"FlowModel": FlowModel, "FlowLayer": FlowLayer}
    try:
        return tf.keras.models.load_model(path, custom_objects=custom, compile=compile)
    except InputError:
        raise
    except (TypeError, ValueError, KeyError, OSError) as error:
        reason = " ".join(str(error).split()) or repr(error)
        raise InputError(f"Cannot load the model in {str(path)!r}: {reason[:400]}") from error
