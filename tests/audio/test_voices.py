"""Who speaks: as names of folders and files tell it, and segments of one speaker each."""

import numpy as np
import pytest
import tensorflow as tf

import tfp_flows as tff
from tfp_flows import audio


def told(*names):
    clips = [audio.Clip(name, np.zeros(1, np.float32), 8000) for name in names]
    return [clip.speaker for clip in audio.speakers_of(clips)]


def test_folders_or_names_tell_who_speaks():
    assert told("anna/1.wav", "anna/2.wav", "bert/1.wav") == ["anna", "anna", "bert"]
    assert told("corpus/anna/x/1.wav", "corpus/bert/x/2.wav") == ["anna", "bert"]
    assert told("7_jackson_32.wav", "p225_003.flac", "anna 1.ogg", "12.wav") == [
        *("jackson", "p225", "anna"),
        None,
    ]
    # Not all in folders, or all in one: the names.
    assert told("a_1.wav", "deep/b_2.wav") == ["a", "b"]
    assert told("all/a-1.wav", "all/b-2.wav") == ["a", "b"]


def test_arrays_tell_who_speaks(tmp_path):
    parts = {"train_audio": np.arange(100, dtype=np.int16), "sample_rate": 8000}
    parts["train_offsets"] = np.array([0, 50, 100])

    def read(**more):
        np.savez(tmp_path / "clips.npz", **parts, **more)
        return [clip.speaker for clip in audio.read_clips(tmp_path / "clips.npz").train]

    assert read() == [None, None]
    assert read(train_speaker=np.array([1, 0]), speakers=np.array(["b", "a"])) == ["a", "b"]
    assert read(train_speaker=np.array(["x", "y"])) == ["x", "y"]
    with pytest.raises(tff.InputError, match="one entry for each of the 2"):
        read(train_speaker=np.array([1]))
    with pytest.raises(tff.InputError, match="places in speakers, which has 1"):
        read(train_speaker=np.array([1, 0]), speakers=np.array(["a"]))


def test_segments_are_of_one_speaker_each():
    voices = audio.Voices.of([np.arange(20.0), 100 + np.arange(9.0), 200 + np.arange(12.0)])
    x, who = voices.cut(4)
    np.testing.assert_array_equal(x[:, 0, 0], [0, 4, 8, 12, 16, 100, 104, 200, 204, 208])
    np.testing.assert_array_equal(who.argmax(axis=1), [0] * 5 + [1] * 2 + [2] * 3)
    epoch = tf.Variable(0, dtype=tf.int64)
    stream = voices.drawn(8, 16, 20, seed=3, epoch=epoch)

    def drawn():
        pairs = [(x.numpy(), who.numpy()) for x, who in stream]
        return tuple(map(np.concatenate, zip(*pairs, strict=True)))

    (x, who), (again, _) = drawn(), drawn()
    epoch.assign(1)
    other, _ = drawn()
    np.testing.assert_array_equal(x, again)
    assert not np.array_equal(x, other)
    np.testing.assert_array_equal(np.diff(x[..., 0], axis=1), 1)
    np.testing.assert_array_equal(x[:, 0, 0] // 100, who.argmax(axis=1))
    # Every place is drawn, the first and the last of each speaker among them.
    assert set(x[:, 0, 0]) == {*range(13), 100, 101, *range(200, 205)}
