"""Settings of the whole suite."""

import os
import random

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import numpy as np
import pytest
import tensorflow as tf

# Two workers share two cores.
tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)


@pytest.fixture(autouse=True)
def _seeds():
    # tf_keras draws the seeds of its initializers from Python's own generator.
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002
    tf.random.set_seed(0)
