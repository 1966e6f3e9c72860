"""Which Keras a piece of code was written for, as far as its words tell; all in linear time."""

import re

from tfp_flows.grading.pool import KERAS

_USES_KERAS = re.compile(r"\b(?:tf_)?keras\b|\bConv2D\b|\bModel\b|\blayers\b")
_KERAS_3 = re.compile(r"\bkeras\.ops\b|\bfrom keras\b|(?<!\.)\bimport keras\b|\bops\.split\b")
_TF_KERAS = re.compile(r"\btf_keras\b|\bl2\(\s*l\s*=|tf\.keras\b")
_TENSORFLOW, _KERAS = re.compile(r"\btensorflow\b"), re.compile(r"\bkeras\b")


def uses_keras(text: str) -> bool:
    """Whether code uses a Keras at all."""
    return bool(_USES_KERAS.search(text))


def keras_order(text: str) -> tuple[str, ...]:
    """The Keras to try code under, the likelier one first."""
    if not uses_keras(text):
        return KERAS[:1]
    if _KERAS_3.search(text) and not _of_tf_keras(text):
        return KERAS[::-1]
    return KERAS


def _of_tf_keras(text: str) -> bool:
    """Whether code was written for tf_keras, as far as its words tell."""
    if _TF_KERAS.search(text):
        return True
    for line in text.split("\n"):
        found = _TENSORFLOW.search(line)
        if found and _KERAS.search(line, found.end()):
            return True
    return False
