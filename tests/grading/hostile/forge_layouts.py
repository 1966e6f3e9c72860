# Messages whose parts are no such parts: types, depths and lengths that nobody expects.
import json
import struct
import sys


def _send(text, body=b""):
    Channel = sys.modules["confined.wire"].Channel

    def forged(self, message, arrays=(), **more):
        header = struct.pack(">4sIQ", b"tff1", len(text), len(body))
        self._connection.sendall(header + text + body)

    Channel.send = forged


def _answer(result, layout=(), body=b""):
    message = {"message": {"answer": {"result": result}}, "arrays": list(layout)}
    _send(json.dumps(message).encode(), body)


def forward(x, b, shift_and_log_scale_fn):
    _answer({}, [["(,)f4", [1]]], bytes(4))


def inverse(y, b, shift_and_log_scale_fn):
    _answer({}, [[["<f4"], [1]]], bytes(4))


def forward_log_det_jacobian(x, b, shift_and_log_scale_fn):
    inner = '{"kind": "sequence", "type": "list", "items": ['
    nested = (inner * 700 + "]}" * 700).encode()
    _send(b'{"message": {"answer": {"result": {"value": ' + nested + b'}}}, "arrays": []}')


def inverse_log_det_jacobian(y, b, shift_and_log_scale_fn):
    _send(b"[" * 500_000)


def channel_binary_mask(num_channels, orientation=0):
    _send(b'{"message": {"answer": {"value": 1' + b"0" * 500_000 + b'}}, "arrays": []}')


def get_preprocess_bijector(alpha):
    many = {"kind": "sequence", "type": "list", "items": [{}] * 200_000}
    _answer({"value": many, "log_det": many, "inverse": many})


class AffineCouplingLayer(tfb.Bijector):
    def __init__(self, shift_and_log_scale_fn, mask_type, orientation, **kwargs):
        _answer({"is_bijector": True, "event_ndims": 3}, [["<f4", [1 << 28] * 8 + [0]]])


def realnvp_block(shift_and_log_scale_fns, squeeze):
    _answer({"members": []}, [["<f4", [0, 1 << 28]]])


def get_conv_resnet(input_shape, filters):
    _answer({"variables": [{"shape": [float("inf")]}]}, [["<f4", [0]]] * 20_000)
