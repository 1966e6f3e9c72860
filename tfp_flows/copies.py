"""Deep copies and pickles of what has weights: through its written form, and the weights."""

import copy
from typing import Any, ClassVar

from tfp_flows.config import Configurable
from tfp_flows.serialization import Decoder, Encoder


class Copied(Configurable):
    """A `Configurable` with variables that `copy.deepcopy` and `pickle` copy, weights included.

    The copy is built again from the arguments of the constructor and has variables of its own.
    What has no written form, such as a function, is copied and pickled as Python does it.
    `copy.copy` shares the variables.
    """

    def __copy__(self):
        result = type(self).__new__(type(self))
        result.__dict__.update(self.__dict__)
        return result

    def __deepcopy__(self, memo: dict):
        encoder = _Encoder(memo)
        written = encoder(self)
        aside = {number: copy.deepcopy(value, memo) for number, value in encoder.aside.items()}
        decoder = _Decoder(encoder.classes, aside)
        result = _filled(decoder(written), self.variables)
        # A part that is copied beside the whole stays a part of it.
        memo.update({id(value): decoder.built[i] for i, value in enumerate(encoder.seen)})
        return result

    def __reduce__(self):
        encoder = _Encoder({})
        written = encoder(self)
        weights = [variable.numpy() for variable in self.variables]
        return _unpickled, (written, encoder.classes, encoder.aside, weights)


def _unpickled(written, classes, aside, weights):
    return _filled(_Decoder(classes, aside)(written), weights)


def _filled(result, weights):
    for variable, value in zip(result.variables, weights, strict=True):
        variable.assign(value)
    return result


class _Encoder(Encoder):
    """Writes classes by number, and puts aside what has no written form.

    Args:
        known: By their ids, objects that are put aside too: those that have been copied before.
    """

    def __init__(self, known: dict[int, Any]):
        super().__init__()
        self.aside: dict[int, Any] = {}
        self._known = known

    def _key(self, cls):
        for key, known in self.classes.items():
            if known is cls:
                return key
        key = str(len(self.classes))
        self.classes[key] = cls
        return key

    def _shared(self, value):
        return self._unwritten(value) if id(value) in self._known else super()._shared(value)

    def _unwritten(self, value):
        number = len(self.aside)
        self.aside[number] = value
        return {"$aside": number}


class _Decoder(Decoder):
    """Rebuilds what the encoder above wrote."""

    def __init__(self, classes: dict[str, type], aside: dict[int, Any]):
        super().__init__()
        self._classes, self._aside = classes, aside

    def _class(self, key):
        return self._classes[key]

    _KINDS: ClassVar = {
        **Decoder._KINDS,
        "$aside": lambda self, data: self._aside[data["$aside"]],
    }
