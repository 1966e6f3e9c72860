"""The process that has TensorFlow loaded and forks one process for each run of a submission.

It imports once what takes seconds, and runs no operation, so that TensorFlow has started no
threads when it forks. It never touches a submission itself.
"""

import gc
import importlib
import json
import os
import signal
import socket
import sys
from typing import Any

from . import linux, stage, supervisor
from .compat import draw_no_models, restore_removed_names
from .walls import View

_LONGEST_PIECE, _LONGEST_JOB = 1 << 16, 1 << 12
_DESCRIPTORS = 3


def main() -> None:
    """Serves jobs that come over standard input, until its other end is closed.

    Before them comes a JSON object, in pieces: ``keras`` ("tf_keras" or "keras"), ``paths``, where
    the packages are, and ``view``, arguments of `View`.
    """
    linux.set_dumpable(False)  # processes of the same user must not look into it
    control = socket.socket(fileno=os.dup(0))
    settings = _settings(control)
    view = View(**settings["view"])
    sys.path += [path for path in settings["paths"] if path not in sys.path]
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    versions = _load(settings["keras"])
    control.sendall(json.dumps({"ready": versions}).encode())
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        text, descriptors, _, _ = socket.recv_fds(control, _LONGEST_JOB, _DESCRIPTORS)
        if not text:
            return
        _fork(view, json.loads(text), control, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _settings(control: socket.socket) -> dict[str, Any]:
    pieces = []
    while (piece := control.recv(_LONGEST_PIECE)) not in (b"", b"end"):
        pieces.append(piece)
    return json.loads(b"".join(pieces))


def _load(keras: str) -> dict[str, str]:
    import numpy as np
    import tensorflow as tf
    import tensorflow_probability as tfp
    import tf_keras

    if keras == "keras":
        import keras as keras_3

        versions = {"keras": keras_3.__version__}
    else:
        versions = {"tf_keras": tf_keras.__version__}
    # Parts that load at first use, and would load again in every process.
    for name in ("layers", "models", "regularizers", "optimizers", "Model"):
        getattr(tf.keras, name)
    _ = tfp.bijectors.Chain, tfp.distributions.Normal, np.random.default_rng
    importlib.import_module(f"{__package__}.answers")
    restore_removed_names(np, tfp)
    draw_no_models(tf.keras)
    stage.set_up()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.get_logger().setLevel("ERROR")
    gc.collect()
    gc.freeze()  # the collector would touch, and so copy, pages shared with the forks
    return {"tensorflow": tf.__version__, "tensorflow_probability": tfp.__version__, **versions}


def _fork(view: View, job: dict[str, Any], control: socket.socket, descriptors: list[int]) -> None:
    if os.fork():
        return
    code = 1
    try:
        control.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        supervisor.run(view, job, *descriptors)
        code = 0
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
