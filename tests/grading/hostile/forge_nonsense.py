# Answers that are well-formed messages, but not what a probe says.
import sys


def _answer(result):
    Channel = sys.modules["confined.wire"].Channel
    send = Channel.send

    def forged(self, message, arrays=(), **more):
        return send(self, {"answer": {"result": result}}, arrays, **more)

    Channel.send = forged


def forward(x, b, shift_and_log_scale_fn):
    _answer([1, 2, 3])


def inverse(y, b, shift_and_log_scale_fn):
    _answer({"value": "text", "inputs": None})


def forward_log_det_jacobian(x, b, shift_and_log_scale_fn):
    nested = {"kind": "sequence", "type": "list", "items": []}
    for _ in range(300):
        nested = {"kind": "sequence", "type": "list", "items": [nested]}
    _answer({"value": nested, "inputs": nested})


def channel_binary_mask(num_channels, orientation=0):
    _answer({"value": {"kind": "array", "type": "x", "index": True}, "inputs": {}})


def get_preprocess_bijector(alpha):
    _answer({"value": {"kind": "array", "type": "\x1b[2J\udcff", "index": -1}})
