"""Pictures as people have them: held sideways, deep, transparent, grey, moving, damaged, hidden."""

import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from tfp_flows.datasets import load_images, read_image
from tfp_flows.errors import InputError

RNG = np.random.default_rng(0)
COLOURS = RNG.integers(0, 256, (6, 4, 3)).astype(np.uint8)
GREYS = COLOURS[..., 0]


def save(path, values, **options):
    path.parent.mkdir(exist_ok=True, parents=True)
    image = values if isinstance(values, Image.Image) else Image.fromarray(values)
    image.save(path, **options)
    return path


def png_of_16_bits(path, channels):
    """A PNG file by hand, because Pillow does not write colours of 16 bits."""
    values = RNG.integers(0, 2**16, (*channels.shape[:2], channels.shape[2])).astype(">u2")
    values = (channels.astype(">u2") << 8) | (values & 255)

    def chunk(name, data):
        body = name + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels.shape[2]]
    header = struct.pack(">IIBBBBB", channels.shape[1], channels.shape[0], 16, kind, 0, 0, 0)
    lines = b"".join(b"\0" + line.astype(">u2").tobytes() for line in values)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(lines))
        + chunk(b"IEND", b"")
    )
    return path


# One picture


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".tiff", ".webp", ".jpg"])
def test_pictures_are_upright(tmp_path, orientation, suffix):
    # What a camera stores for the picture that was seen, by the definition of the tag.
    seen = np.kron(COLOURS, np.ones((8, 8, 1), np.uint8))
    stored = {
        1: seen,
        2: seen[:, ::-1],
        3: seen[::-1, ::-1],
        4: seen[::-1],
        5: seen.transpose(1, 0, 2),
        6: np.rot90(seen),
        7: seen[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(seen, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {".jpg": {"quality": 95, "subsampling": 0}, ".webp": {"lossless": True}}
    path = tmp_path / f"a{suffix}"
    save(path, np.ascontiguousarray(stored), exif=exif, **options.get(suffix, {}))
    images = load_images(path, whole=True)
    assert images.shape == (48, 32, 3)
    read = read_image(path, images.shape).astype(int)
    if suffix == ".jpg":
        blocks = read.reshape(6, 8, 4, 8, 3).mean(axis=(1, 3))
        np.testing.assert_allclose(blocks, COLOURS, atol=6)
    else:
        np.testing.assert_array_equal(read, seen)


def test_damaged_exif_is_not_damage(tmp_path):
    path = save(tmp_path / "a.png", COLOURS, exif=b"Exif\0\0nonsense")
    np.testing.assert_array_equal(read_image(path, (6, 4, 3)), COLOURS)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_upper_bits_of_16(tmp_path, channels):
    values = np.concatenate([COLOURS, np.full((6, 4, 1), 255, np.uint8)], axis=2)
    values = values[..., {1: [0], 2: [0, 3], 3: [0, 1, 2], 4: [0, 1, 2, 3]}[channels]]
    path = png_of_16_bits(tmp_path / "a.png", values)
    count = 1 if channels < 3 else 3
    np.testing.assert_allclose(read_image(path, (6, 4, count)), values[..., :count], atol=1)


@pytest.mark.parametrize("name", ["a.png", "a.tiff", "b.tiff", "a.pgm"])
def test_grey_of_16_bits(tmp_path, name):
    deep = GREYS.astype(np.uint16) * 257
    if name == "b.tiff":
        deep = deep.astype(">u2")
        image = Image.frombytes("I;16B", (4, 6), deep.tobytes())
        save(tmp_path / name, image)
    elif name == "a.pgm":
        (tmp_path / name).write_bytes(b"P5 4 6 65535\n" + deep.astype(">u2").tobytes())
    else:
        save(tmp_path / name, deep)
    images = load_images(tmp_path / name, whole=True)
    assert images.shape == (6, 4, 1)
    np.testing.assert_array_equal(read_image(tmp_path / name, images.shape)[..., 0], GREYS)
    assert "the upper 8 are kept, 1 of 1 pictures" in images.remarks[0]


def test_numbers_without_a_white_are_refused(tmp_path):
    for i, dtype in enumerate((np.float32, np.int32)):
        path = save(tmp_path / f"{i}.tiff", GREYS.astype(dtype))
        with pytest.raises(InputError, match="32 bits, of which none is known to be white"):
            read_image(path, (6, 4, 1))


def over(values, alpha, background):
    share = alpha[..., None] / 255
    return values * share + np.asarray(background) * (1 - share)


@pytest.mark.parametrize(
    ("background", "colour"),
    [("white", (255, 255, 255)), ("black", (0, 0, 0)), ("#4080ff", (64, 128, 255))],
)
def test_transparency_shows_the_background(tmp_path, background, colour):
    alpha = RNG.integers(0, 256, (6, 4)).astype(np.uint8)
    expected = over(COLOURS, alpha, colour)
    path = save(tmp_path / "a.png", np.dstack([COLOURS, alpha]))
    read = read_image(path, (6, 4, 3), background=background)
    np.testing.assert_allclose(read, expected, atol=1)
    grey = np.asarray(Image.fromarray(read).convert("L"))
    np.testing.assert_array_equal(read_image(path, (6, 4, 1), background=background)[..., 0], grey)
    pair = Image.merge("LA", [Image.fromarray(GREYS), Image.fromarray(alpha)])
    path = save(tmp_path / "la.png", pair)
    expected = over(np.dstack([GREYS] * 3), alpha, colour)
    read = read_image(path, (6, 4, 3), background=background)
    np.testing.assert_allclose(read, expected, atol=1)
    # One colour of a palette, and one grey of all, may be the transparent one.
    palette = Image.fromarray(GREYS // 128).convert("P")
    palette.putpalette([10, 20, 30, 200, 100, 0])
    for name, image in (("p.png", palette), ("p.gif", palette), ("l.png", Image.fromarray(GREYS))):
        clear = 1 if name[0] == "p" else int(GREYS[0, 0])
        path = save(tmp_path / name, image, transparency=clear)
        read = read_image(path, (6, 4, 3), background=background)
        shown = np.asarray(image) == clear
        assert (read[shown] == colour).all()
        np.testing.assert_array_equal(read[~shown], np.asarray(image.convert("RGB"))[~shown])


def test_tiff_of_12_bits(tmp_path):
    # Two pixels in three bytes; Pillow reads such files and does not write them.
    pairs = (GREYS.astype(int) * 16 + 5).reshape(-1, 2)
    packed = [(a >> 4, (a & 15) << 4 | b >> 8, b & 255) for a, b in pairs]
    data = bytes(np.ravel(packed).astype(np.uint8))
    tags = [(256, 4), (257, 6), (258, 12), (259, 1), (262, 1), (273, 8), (278, 6), (279, len(data))]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    start = struct.pack("<2sHI", b"II", 42, 8 + len(data))
    (tmp_path / "a.tif").write_bytes(
        start + data + struct.pack("<H", len(tags)) + entries + struct.pack("<I", 0)
    )
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif", (6, 4, 1))[..., 0], GREYS)


def test_opaque_pictures_are_as_they_were(tmp_path):
    path = save(tmp_path / "a.png", np.dstack([COLOURS, np.full((6, 4), 255, np.uint8)]))
    np.testing.assert_array_equal(read_image(path, (6, 4, 3), background="black"), COLOURS)


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif", ".bmp", ".gif", ".ppm", ".tga"])
def test_formats(tmp_path, suffix):
    options = {"lossless": True} if suffix == ".webp" else {}
    path = save(tmp_path / f"a{suffix}".upper(), COLOURS, **options)
    assert load_images(path, whole=True).shape == (6, 4, 3)
    np.testing.assert_array_equal(read_image(path, (6, 4, 3)), COLOURS)


def test_modes(tmp_path):
    red = np.zeros((6, 4, 3), np.uint8) + np.uint8([200, 30, 10])
    for mode, suffix, tolerance in (
        ("CMYK", ".tiff", 3),
        ("CMYK", ".jpg", 12),
        ("YCbCr", ".jpg", 3),
    ):
        path = save(tmp_path / f"{mode}{suffix}", Image.fromarray(red).convert(mode))
        np.testing.assert_allclose(read_image(path, (6, 4, 3)), red, atol=tolerance)
    bits = GREYS > 127
    path = save(tmp_path / "bits.png", Image.fromarray(bits))
    assert load_images(path, whole=True).shape == (6, 4, 1)
    np.testing.assert_array_equal(read_image(path, (6, 4, 1))[..., 0], 255 * bits)
    palette = Image.fromarray(COLOURS).quantize(24)
    path = save(tmp_path / "palette.png", palette)
    assert load_images(path, whole=True).shape == (6, 4, 3)
    np.testing.assert_array_equal(read_image(path, (6, 4, 3)), np.asarray(palette.convert("RGB")))
    # A palette of greys is grey.
    path = save(tmp_path / "grey.gif", Image.fromarray(GREYS))
    assert load_images(path, whole=True).shape == (6, 4, 1)


# Folders


def remarks_of(images):
    return " ".join(images.remarks)


def folder_of(path, count=12, shape=(8, 8)):
    for i in range(count):
        save(path / f"{i:02d}.png", RNG.integers(0, 256, (*shape, 3)).astype(np.uint8))
    return path


def test_what_is_converted_is_counted(tmp_path):
    folder = folder_of(tmp_path / "a")
    assert load_images(folder, size=8).remarks == ()
    save(folder / "grey.png", GREYS)
    save(folder / "deep.png", GREYS.astype(np.uint16) * 257)
    save(folder / "clear.png", np.dstack([COLOURS, GREYS]))
    frames = [Image.fromarray(COLOURS), Image.fromarray(COLOURS[::-1].copy())]
    frames[0].save(folder / "moving.gif", save_all=True, append_images=frames[1:])
    images = load_images(folder, size=8)
    assert images.shape == (8, 8, 3)
    said = remarks_of(images)
    assert "Grey, and read as colours, 2 of 16 pictures; grey=True (--grey)" in said
    assert "Perhaps transparent, 1 of 16 pictures; white is laid behind" in said
    assert "Of more than 8 bits, of which the upper 8 are kept, 1 of 16 pictures." in said
    assert "Of several frames, of which the first is taken, 1 of 16 pictures." in said
    assert "Smaller than 8, and enlarged, 4 of 16 pictures." in said
    assert load_images(folder, size=8, grey=True).shape == (8, 8, 1)
    assert load_images(folder, size=8, channels=1).shape == (8, 8, 1)
    np.testing.assert_array_equal(read_image(folder / "moving.gif", (6, 4, 3)), COLOURS)
    with pytest.raises(InputError, match="Unknown background 'wite'; give a colour"):
        load_images(folder, size=8, background="wite")
    with pytest.raises(InputError, match="channels is 2"):
        load_images(folder, channels=2)


def test_grey_pictures_for_a_flow_of_colours(tmp_path):
    for i in range(12):
        save(tmp_path / f"{i}.png", GREYS)
    assert load_images(tmp_path).shape == (6, 4, 1)
    images = load_images(tmp_path, channels=3)
    assert images.shape == (6, 4, 3)
    np.testing.assert_array_equal(next(iter(images.batches("test", 1)))[0], np.dstack([GREYS] * 3))


def test_sizes_are_those_of_upright_pictures(tmp_path):
    folder = folder_of(tmp_path, shape=(6, 4))
    exif = Image.Exif()
    exif[0x0112] = 6
    save(folder / "held.jpg", np.rot90(COLOURS).copy(), exif=exif)
    assert load_images(folder).shape == (6, 4, 3)


def test_what_is_left_out_is_counted_and_named(tmp_path):
    folder = folder_of(tmp_path / "a")
    for name in ("a.heic", "b.heic", "notes.txt", "noextension", "sub/c.raw", ".DS_Store"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    for name in ("._00.png", ".thumbs/x.png", "__MACOSX/y.png"):
        save(folder / name, COLOURS)
    images = load_images(folder)
    assert sum(images.sizes) == 12
    said = remarks_of(images)
    assert "Left out as no pictures known here: 2 .heic, " in said
    assert "(a.heic, b.heic, noextension, ...)" in said
    assert "Left out as hidden, 3 in all: ._00.png, .thumbs/x.png, __MACOSX/y.png." in said
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "a.heic").touch()
    with pytest.raises(InputError, match=r"holds no pictures .* 1 \.heic \(a\.heic\)"):
        load_images(tmp_path / "b")


def test_links_and_subfolders(tmp_path):
    folder = folder_of(tmp_path / "a" / "one" / "deep")
    folder_of(tmp_path / "a" / "two" / "deep")
    (tmp_path / "linked").mkdir()
    os.symlink(tmp_path / "a", tmp_path / "linked" / "folder")
    os.symlink(tmp_path / "linked", tmp_path / "a" / "loop")
    os.symlink(folder / "00.png", tmp_path / "linked" / "file.png")
    os.symlink(tmp_path / "none.png", tmp_path / "linked" / "lost.png")
    os.mkfifo(tmp_path / "linked" / "pipe.png")
    images = load_images(tmp_path / "linked", whole=True)
    assert "no file, or a link to none" in images.skipped["lost.png"]
    assert set(images.skipped) == {"lost.png", "pipe.png"}
    names = images.names("test")
    assert len(names) == len(set(names)) == 24 + 3
    assert {"file.png", "folder/one/deep/00.png", "folder/two/deep/00.png"} <= set(names)


def test_files_keep_their_places(tmp_path):
    folder = folder_of(tmp_path / "a", 5)
    whole = (folder / "01.png").read_bytes()
    (folder / "01.png").write_bytes(whole[: len(whole) // 2])
    (folder / "03.png").write_bytes(b"no image")
    (folder / "sub").mkdir()
    (folder / "sub" / "03.png").write_bytes(b"none either")
    images = load_images(folder, whole=True)
    assert tuple(images.sizes) == (0, 0, 6)
    assert images.names("test") == ["00.png", "01.png", "02.png", "03.png", "04.png", "sub/03.png"]
    kept = np.concatenate([np.asarray(x) for x in images.batches("test", 4, keep=True)])
    assert set(images.skipped) == {"01.png", "03.png", "sub/03.png"}
    for i, name in enumerate(images.names("test")):
        if name in images.skipped:
            assert np.isnan(kept[i]).all()
        else:
            np.testing.assert_array_equal(kept[i], np.asarray(Image.open(folder / name)))
    left = np.concatenate([np.asarray(x) for x in images.batches("test", 4)])
    np.testing.assert_array_equal(left, kept[[0, 2, 4]])


def test_one_picture_alone(tmp_path):
    path = save(tmp_path / "a.png", COLOURS)
    images = load_images(path, whole=True, size=4, channels=1)
    assert (images.shape, tuple(images.sizes)) == ((4, 4, 1), (0, 0, 1))
    assert images.names("test") == ["a.png"]
    (batch,) = images.batches("test", 64, keep=True)
    np.testing.assert_array_equal(batch[0], read_image(path, (4, 4, 1)))
    with pytest.raises(InputError, match=r"a\.png is one picture; give a folder"):
        load_images(path)
    (tmp_path / "b.png").write_bytes(b"none")
    with pytest.raises(InputError, match="damaged or no image"):
        load_images(tmp_path / "b.png", whole=True)


def test_names_of_files_that_are_no_text(tmp_path):
    folder = folder_of(tmp_path / "a", 2)
    os.rename(os.fsencode(folder / "00.png"), os.fsencode(folder) + b"/\xff.png")
    images = load_images(folder, whole=True)
    assert images.names("test") == ["01.png", "\ufffd.png"]
    assert len(next(iter(images.batches("test", 4)))) == 2


def test_huge_pictures_and_archives(tmp_path, monkeypatch):
    folder = folder_of(tmp_path / "a")
    save(folder / "huge.png", np.zeros((40, 40), np.uint8))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    images = load_images(folder)
    assert "too many pixels; make it smaller" in images.skipped["huge.png"]
    assert sum(images.sizes) == 12
    (tmp_path / "a.zip").touch()
    with pytest.raises(InputError, match="unpack it, and give a folder"):
        load_images(tmp_path / "a.zip")
    with pytest.raises(InputError, match="there is no such file"):
        load_images(tmp_path / "absent.NPY")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.full((20, 4, 4), 4095, np.uint16), "16-bit values from 4095 to 4095; give the upper 8"),
        (np.ones((20, 4, 4), bool), "holds bool values"),
        (np.ones((20, 4, 4), complex), "holds complex128 values"),
        (np.full((20, 4, 4), np.nan), "whole numbers from 0 to 255"),
    ],
)
def test_arrays_of_other_numbers(tmp_path, values, message):
    np.save(tmp_path / "a.npy", values)
    with pytest.raises(InputError, match=message):
        load_images(tmp_path / "a.npy")
