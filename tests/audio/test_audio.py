"""Recordings: files as people have them, spectrograms, segments, what a vocoder adds."""

import zipfile

import numpy as np
import pytest
import tensorflow as tf
from rows import randomise

import tfp_flows as tff
from tfp_flows import audio
from tfp_flows.audio.files import resampled

RATE = 8000
MEL = audio.MelSettings(rate=RATE, hop=64, window=256, bands=20, high=4000.0)


def tone(seconds=0.25, rate=RATE, hertz=440.0):
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)).astype("f4")


def write(path, samples, rate=RATE, **options):
    soundfile = pytest.importorskip("soundfile")
    soundfile.write(path, samples, rate, **options)


@pytest.mark.parametrize(
    "settings",
    [
        audio.MelSettings(),
        audio.MelSettings(rate=16000, bands=64, low=50.0, high=7600.0, window=512),
        MEL,
    ],
    ids=["paper", "low", "narrow"],
)
def test_filters_are_those_of_librosa(settings):
    librosa = pytest.importorskip("librosa")
    expected = librosa.filters.mel(
        sr=settings.rate,
        n_fft=settings.window,
        n_mels=settings.bands,
        fmin=settings.low,
        fmax=settings.high,
    )
    np.testing.assert_allclose(audio.mel_filters(settings).T, expected, atol=2e-8)


def test_spectrogram_has_a_frame_for_each_hop_and_the_tone_in_its_band():
    samples = tone(hertz=1000.0)[: 64 * 30]
    mel = audio.log_mel(samples, MEL).numpy()
    assert mel.shape == (30, 20)
    filters = audio.mel_filters(MEL)
    assert mel[10].argmax() == filters[round(1000 / RATE * 256)].argmax()
    # A sine of amplitude a has a peak of a / 2 times the sum of the window.
    peak = np.abs(np.fft.rfft(samples[64 * 10 : 64 * 14] * np.hanning(257)[:256])).max()
    assert peak == pytest.approx(0.5 / 2 * 128, rel=0.1)
    silent = audio.log_mel(np.zeros(64 * 10), MEL)
    np.testing.assert_allclose(silent, np.log(1e-5), rtol=1e-6)
    with pytest.raises(ValueError, match="64 divides"):
        audio.log_mel(np.zeros(1000), MEL)


def test_settings_are_checked_and_kept(tmp_path):
    for options, message in [
        ({"window": 1001}, "an even number of samples longer"),
        ({"high": 20000.0}, "half the rate"),
        ({"bands": 0}, "give a whole number"),
        ({"floor": 0.0}, "give a positive number"),
    ]:
        with pytest.raises(tff.InputError, match=message):
            audio.MelSettings(**options)
    mel = np.zeros((3, 20), np.float32)
    audio.save_mel(tmp_path / "mel.npz", mel, MEL)
    found, settings = audio.load_mel(tmp_path / "mel.npz")
    assert settings == MEL
    np.testing.assert_array_equal(found, mel)
    with pytest.raises(tff.InputError, match="was made with rate 8000, the model needs rate 22050"):
        audio.MelSettings().check_same(settings, "mel.npz")
    np.savez(tmp_path / "other.npz", mel=mel)
    with pytest.raises(tff.InputError, match="no spectrogram as"):
        audio.load_mel(tmp_path / "other.npz")


def test_a_folder_as_people_have_it(tmp_path):
    folder = tmp_path / "clips"
    (folder / "deep").mkdir(parents=True)
    write(folder / "a.wav", tone())
    write(folder / "deep" / "b.flac", tone())
    write(folder / "stereo.wav", np.stack([tone(), -tone()], axis=1) + 0.25 * tone()[:, None])
    write(folder / "other_rate.ogg", tone(rate=16000), 16000)
    write(folder / "silent.wav", np.zeros(2000))
    write(folder / "short.wav", tone(0.01))
    write(folder / "loud.wav", np.clip(9 * tone(), -1, 1))
    write(folder / "empty.wav", np.zeros(0))
    (folder / "damaged.wav").write_bytes(b"RIFF1234")
    (folder / "notes.txt").write_text("no recording")
    found = audio.read_clips(folder, shortest=256)
    names = [clip.name for clip in found.train]
    assert names == ["a.wav", "deep/b.flac", "loud.wav", "other_rate.ogg", "stereo.wav"]
    assert (found.rate, found.test) == (RATE, None)
    assert sorted(found.skipped) == ["damaged.wav", "empty.wav", "short.wav", "silent.wav"]
    assert "is silent" in found.skipped["silent.wav"]
    assert "80 samples at 8000 Hz, fewer than 256" in found.skipped["short.wav"]
    said = " ".join(found.remarks)
    assert "Resampled to 8000 Hz: 1 of" in said
    assert "Several channels, mixed to one: 1 of" in said
    assert "Clipped, and read as they are: 1 (loud.wav)" in said
    clips = dict(zip(names, found.train, strict=True))
    np.testing.assert_allclose(clips["stereo.wav"].samples, 0.25 * tone(), atol=1e-4)
    middle = slice(200, 1800)
    np.testing.assert_allclose(
        clips["other_rate.ogg"].samples[:2000][middle], tone()[middle], atol=0.05
    )
    with zipfile.ZipFile(tmp_path / "clips.zip", "w") as archive:
        archive.write(folder / "a.wav", "x/a.wav")
    (one,) = audio.read_clips(tmp_path / "clips.zip").train
    np.testing.assert_allclose(one.samples, tone(), atol=1e-4)


def test_what_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(tff.InputError, match="There is no file or folder"):
        audio.read_clips(tmp_path / "none")
    with pytest.raises(tff.InputError, match="holds no recordings that can be read"):
        audio.read_clips(tmp_path)
    np.savez(tmp_path / "x.npz", train_audio=np.zeros(3))
    with pytest.raises(tff.InputError, match="holds no train_offsets, sample_rate"):
        audio.read_clips(tmp_path / "x.npz")
    with pytest.raises(tff.InputError, match=r"its suffix is '\.mp3'"):
        audio.write_clip(tmp_path / "x.mp3", tone(), RATE)


def test_written_recordings_come_back(tmp_path):
    audio.write_clip(tmp_path / "x.wav", 2 * tone(), RATE)
    clip, _ = audio.read_clip(tmp_path / "x.wav")
    np.testing.assert_allclose(clip.samples, np.clip(2 * tone(), -1, 1 - 2.0**-15), atol=4e-5)
    assert len(resampled(tone(), RATE, 16000)) == 4000


def test_segments_hang_on_seed_and_epoch_and_keep_their_frames():
    generator = np.random.default_rng(0)
    framed = audio.Framed.of(generator.uniform(-1, 1, 64 * 50 + 3).astype("f4"), MEL)
    assert framed.audio.shape == (50, 64)
    epoch = tf.Variable(0, dtype=tf.int64)

    def drawn():
        return [[part.numpy() for part in pair] for pair in stream]

    stream = framed.drawn(MEL, 4, 3, 5, seed=1, epoch=epoch)
    first, same = drawn(), drawn()
    epoch.assign(1)
    other = drawn()
    assert len(first) == 5
    for (x, mel), (y, _), (z, _) in zip(first, same, other, strict=True):
        assert (x.shape, mel.shape) == ((3, 256, 1), (3, 4, 20))
        np.testing.assert_array_equal(x, y)
        assert not np.array_equal(x, z)
        windows = np.lib.stride_tricks.sliding_window_view(framed.audio.ravel(), 256)
        (place,) = np.flatnonzero((windows == x[0, :, 0]).all(axis=1))
        part = framed.audio.ravel()[place % 64 :]
        own = audio.log_mel(part[: len(part) // 64 * 64], MEL)[place // 64 :][:4]
        if 96 <= place <= 50 * 64 - 256 - 160:
            np.testing.assert_allclose(mel[0], own, atol=1e-3)


def test_bias_is_taken_away():
    """A vocoder that adds a tone to everything is left without it."""
    hum = 0.1 * np.cos(2 * np.pi * np.arange(64 * 64) * RATE / 8 / RATE)

    class Vocoder:
        def sample(self, context, seed, temperature):
            assert temperature == 0
            return tf.constant(hum[None, : 64 * context.shape[1], None], tf.float32)

    remove = audio.BiasRemover(Vocoder(), MEL)
    speech = tone(0.5)[: 64 * 60]
    cleaned = remove(speech + hum[: len(speech)])
    inner = slice(256, -256)
    assert np.std((cleaned - speech)[inner]) < 0.1 * np.std(hum)
    np.testing.assert_allclose(remove(speech, 0.0), speech, atol=1e-5)
    with pytest.raises(ValueError, match="must not be negative"):
        remove(speech, -1.0)


def test_a_flow_as_prior_takes_noise_away():
    """One that knows no more than the levels of subbands is worth what they are."""
    generator = np.random.default_rng(0)
    smooth = np.convolve(generator.standard_normal(64 * 64 + 8), np.ones(9) / 30, "valid")
    speech = smooth.astype("f4") * np.repeat([0.0, 1.0], len(smooth) // 2)
    noisy = speech + 0.05 * generator.standard_normal(len(speech)).astype("f4")
    level = audio.noise_level(noisy, MEL)
    assert level == pytest.approx(0.05, rel=0.2)
    flow = tff.flows.waveglow(
        context_shape=(None, 20), hop=64, squeeze=16, depth=1, hidden_units=[4], seed=0
    )
    clip = audio.Framed.of(speech[len(speech) // 2 :], MEL)
    x, mel = clip.cut(8)
    flow.adapt(x, mel)
    half = slice(len(speech) // 2, None)
    before = audio.si_sdr(noisy[half], speech[half])
    filtered = audio.wiener(noisy, MEL, level)
    cleaned = audio.clean(flow, noisy[half], MEL, noise=level, mel=clip.mel)
    assert audio.si_sdr(filtered[half], speech[half]) > before + 1
    assert audio.si_sdr(cleaned, speech[half]) > before + 1.5
    assert audio.si_sdr(3 * noisy, speech) == pytest.approx(audio.si_sdr(noisy, speech))
    with pytest.raises(ValueError, match="positive deviation"):
        audio.clean(flow, noisy, MEL, noise=0.0)


def test_latents_of_one_recording_speak_the_spectrogram_of_another():
    generator = np.random.default_rng(0)
    flow = tff.flows.waveglow(
        context_shape=(None, 20), hop=64, squeeze=16, depth=2, hidden_units=[4], seed=0
    )
    one, other = (
        np.round(size * generator.standard_normal(64 * count)).astype("f4") / 2**15
        for size, count in ((3000, 16), (300, 24))
    )
    clip = audio.Framed.of(other, MEL)
    randomise(flow, scale=0.05)
    flow.adapt(*audio.Framed.joined([audio.Framed.of(one, MEL), clip]).cut(8))
    itself = audio.carry_latents(flow, other, clip.mel, MEL)
    assert np.abs(itself - other).max() < 1e-4
    carried = audio.carry_latents(flow, one, clip.mel, MEL)
    assert carried.shape == other.shape
    assert not np.allclose(carried, other, atol=1e-2)
    cold = audio.carry_latents(flow, one, clip.mel, MEL, temperature=0.0)
    silent = flow.sample(context=clip.mel[None], temperature=0.0)[0, :, 0]
    np.testing.assert_allclose(cold, silent, atol=1e-4)
