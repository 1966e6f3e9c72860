"""Loading images."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import tfp_flows as tff
from tfp_flows.datasets import load_images


def pictures(count, size=8, channels=3, seed=0):
    shape = (count, size, size, channels)
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def folder_of(path, count=20, size=8):
    path.mkdir(exist_ok=True)
    for i, image in enumerate(pictures(count, size)):
        Image.fromarray(image).save(path / f"{i:02d}.png")
    return path


def all_of(images, part, **options):
    batches = list(images.batches(part, 4, **options))
    return np.concatenate([np.asarray(b) for b in batches])


def test_array_is_split_whole(tmp_path):
    values = pictures(30)
    np.save(tmp_path / "a.npy", values)
    images = load_images(tmp_path / "a.npy")
    assert images.shape == (8, 8, 3)
    assert tuple(images.sizes) == (24, 3, 3)
    seen = np.concatenate([all_of(images, part) for part in ("train", "validation", "test")])
    assert seen.dtype == np.float32
    order = np.lexsort(seen.reshape(30, -1).T)
    expected = values.reshape(30, -1)
    np.testing.assert_array_equal(
        seen.reshape(30, -1)[order], expected[np.lexsort(expected.T)].astype(np.float32)
    )


def test_parts_and_labels_of_npz(tmp_path):
    labels = np.arange(20) % 4
    np.savez(
        tmp_path / "a.npz",
        x_train=pictures(20, channels=1)[..., 0],
        y_train=labels,
        x_test=pictures(5, channels=1, seed=1)[..., 0],
        y_test=labels[:5],
    )
    images = load_images(tmp_path / "a.npz", size=12)
    assert images.shape == (12, 12, 1)
    assert tuple(images.sizes) == (18, 2, 5)
    assert images.classes == 4
    x, context = next(iter(images.batches("test", 5, labels=True)))
    np.testing.assert_array_equal(x[:, 2:-2, 2:-2, :], pictures(5, channels=1, seed=1))
    assert np.abs(x[:, :2]).max() == 0
    np.testing.assert_array_equal(np.argmax(context, axis=1), labels[:5])


def test_orders_and_flips(tmp_path):
    np.save(tmp_path / "a.npy", pictures(40))
    images = load_images(tmp_path / "a.npy")
    stream = images.batches("train", 32, shuffle=True, seed=3)
    first, second = (np.asarray(next(iter(stream))) for _ in range(2))
    assert not np.array_equal(first, second)
    plain = all_of(images, "train")
    flipped = all_of(images, "train", flip=True)
    turned = [np.array_equal(a, b[:, ::-1]) for a, b in zip(flipped, plain, strict=True)]
    same = [np.array_equal(a, b) for a, b in zip(flipped, plain, strict=True)]
    assert all(a or b for a, b in zip(turned, same, strict=True))
    assert 0 < sum(turned) < 32


def test_folder_is_streamed_and_damaged_files_are_left_out(tmp_path):
    path = folder_of(tmp_path / "images")
    (path / "broken.png").write_bytes(b"not an image")
    whole = (path / "00.png").read_bytes()
    (path / "cut.png").write_bytes(whole[: len(whole) // 2])
    images = load_images(path, seed=1)
    assert "broken.png" in images.skipped
    seen = sum(len(all_of(images, part)) for part in ("train", "validation", "test"))
    assert seen == 20
    assert set(images.skipped) == {"broken.png", "cut.png"}


def test_folder_of_several_sizes_needs_one(tmp_path):
    path = folder_of(tmp_path / "images")
    Image.fromarray(pictures(1, 10)[0]).save(path / "large.png")
    with pytest.raises(tff.InputError, match="give the size"):
        load_images(path)
    assert load_images(path, size=6).shape == (6, 6, 3)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((5, 4)), "images need"),
        (np.zeros((5, 4, 4, 2), np.uint8), "1 or 3 channels"),
        (np.full((20, 4, 4), 0.5), "whole numbers from 0 to 255"),
        (np.full((20, 4, 4), 300), "from 300 to 300"),
        (np.ones((20, 4, 4)), r"scaled to \[0, 1\]"),
        (np.zeros((3, 4, 4), np.uint8), "too few"),
    ],
)
def test_arrays_that_are_no_images(tmp_path, values, message):
    np.save(tmp_path / "a.npy", values)
    with pytest.raises(tff.InputError, match=message):
        load_images(tmp_path / "a.npy")


def test_bad_sources(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(tff.InputError, match="holds no"):
        load_images(tmp_path / "empty")
    with pytest.raises(tff.InputError, match="there is no such file"):
        load_images(tmp_path / "absent.npy")
    with pytest.raises(tff.InputError, match="Cannot read images from"):
        load_images(tmp_path / "absent")
    (tmp_path / "a.npz").write_bytes(b"zip")
    with pytest.raises(tff.InputError, match="damaged"):
        load_images(tmp_path / "a.npz")
    np.savez(tmp_path / "two.npz", a=pictures(20), b=pictures(20))
    with pytest.raises(tff.InputError, match="choose one by its key"):
        load_images(tmp_path / "two.npz")
    np.save(tmp_path / "a.npy", pictures(20))
    with pytest.raises(tff.InputError, match="larger than size 4"):
        load_images(tmp_path / "a.npy", size=4)


def test_full_batches_have_one_shape(tmp_path):
    np.save(tmp_path / "a.npy", pictures(30))
    images = load_images(tmp_path / "a.npy")
    batches = images.batches("train", 10, full=True, shuffle=True)
    assert int(batches.cardinality()) == 3
    for _ in range(2):
        seen = np.concatenate(list(batches))
        assert seen.shape == (30, 8, 8, 3)
        # 24 images, and six of them again.
        assert len(np.unique(seen.reshape(30, -1), axis=0)) == 24


@pytest.mark.parametrize("folder", [False, True])
def test_orders_and_flips_depend_on_seed_and_epoch_alone(tmp_path, folder):
    np.save(tmp_path / "a.npy", pictures(20))
    images = load_images(folder_of(tmp_path / "images") if folder else tmp_path / "a.npy")

    def passes(epoch, count=1, seed=3, **options):
        options = {"shuffle": True, "flip": True, "full": True, "seed": seed, **options}
        stream = images.batches("train", 6, epoch=epoch, **options)
        return [np.concatenate(list(stream)) for _ in range(count)]

    first, again = passes(0, 2)
    np.testing.assert_array_equal(first, again)
    number = tf.Variable(1, dtype=tf.int64)
    (second,) = passes(number)
    assert not np.array_equal(first, second)
    # What counts the passes itself has the same.
    np.testing.assert_array_equal(passes(None, 2), [first, second])
    assert not np.array_equal(passes(0, seed=4)[0], first)
    assert not np.array_equal(passes(0, flip=False)[0], first)
