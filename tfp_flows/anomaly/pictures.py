"""Folders of pictures of parts: plain ones, and trees with defects and masks."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tfp_flows.datasets import read_image
from tfp_flows.datasets._folders import find_pictures, name_in, remarks_on
from tfp_flows.datasets._pictures import SUFFIXES, Facts
from tfp_flows.errors import InputError

GOOD = "good"
_TRAIN, _TEST, _MASKS = "train", "test", "ground_truth"


@dataclasses.dataclass
class Pictures:
    """Pictures in files.

    Attributes:
        root: The folder, or the file itself.
        files: Paths, in order.
        facts: What the header of each says that can be opened.
        skipped: By name, why others cannot be read.
        remarks: What is left out or converted, a sentence each.
    """

    root: Path
    files: list[Path]
    facts: dict[Path, Facts]
    skipped: dict[str, str]
    remarks: list[str] = dataclasses.field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """Names of the files within the folder."""
        return [name_in(self.root, file) for file in self.files]

    def chosen(self, places) -> "Pictures":
        """Some of them, by their places."""
        return dataclasses.replace(self, files=[self.files[i] for i in places])

    def batches(
        self, shape: tuple[int, int, int], size: int, background: str = "white"
    ) -> Iterator[tuple[list[int], np.ndarray]]:
        """Reads them, stretched to one shape.

        Args:
            shape: Height, width, and channels: 1 for grey, 3 for colours.
            size: Most pictures at a time.
            background: Colour behind transparent places.

        Yields:
            Places among `files`, and bytes ``[n, *shape]``. What turns out to be damaged is not
            among them, and is in `skipped` from then on.
        """
        for start in range(0, len(self.files), size):
            places, pictures = [], []
            for place in range(start, min(start + size, len(self.files))):
                file = self.files[place]
                try:
                    if file not in self.facts:
                        continue
                    read = read_image(file, shape, background=background, crop=False)
                except InputError as error:
                    self.skipped[name_in(self.root, file)] = str(error)
                    continue
                places.append(place)
                pictures.append(read)
            if places:
                yield places, np.stack(pictures)

    def remarks_on(self, shape: tuple[int, int, int], background: str) -> list[str]:
        """What is done to them to bring them to one shape, a sentence each."""
        facts = [self.facts[file] for file in self.files if file in self.facts]
        sizes = sorted({(fact.height, fact.width) for fact in facts})
        remarks = list(self.remarks)
        if sizes and sizes != [shape[:2]]:
            kinds = f"{len(sizes)} sizes, {sizes[0][1]} x {sizes[0][0]}" + (
                f" to {sizes[-1][1]} x {sizes[-1][0]}" if len(sizes) > 1 else ""
            )
            kinds = kinds if len(sizes) > 1 else f"{sizes[0][1]} x {sizes[0][0]} pixels"
            remarks.append(f"Pictures of {kinds} are resized to {shape[1]} x {shape[0]}.")
        of_colour = not all(fact.grey for fact in facts) and any(fact.grey for fact in facts)
        converted = remarks_on(
            facts,
            size=None,
            channels=shape[2] if of_colour else 1,
            background=background,
        )
        if shape[2] == 1 and any(not fact.grey for fact in facts):
            remarks.append("Colours are turned to grey, which the backbone takes.")
        return remarks + converted


def good_pictures(data: Path) -> Pictures:
    """Pictures of good parts, to learn from.

    Of a tree with ``train/good`` only that is read, of a folder with ``good`` only that one.

    Raises:
        InputError: If there are none.
    """
    data = _folder(data)
    place = data
    for inner in (Path(_TRAIN) / GOOD, Path(GOOD)):
        if (data / inner).is_dir():
            place = data / inner
            break
    else:
        if (data / _TEST).is_dir() or (data / _MASKS).is_dir():
            raise InputError(
                f"{data} holds {_TEST} or {_MASKS} but no {_TRAIN}/{GOOD}; give the folder of "
                "pictures of good parts."
            )
    pictures = _found(place)
    if place != data:
        inner = place.relative_to(data)
        others = sorted(p.name for p in place.parent.iterdir() if p.is_dir() and p != place)
        also = f", not {_TRAIN}/{', '.join(others)}" if others else ""
        also = also if inner != Path(GOOD) else also.replace(f"{_TRAIN}/", "")
        pictures.remarks.insert(0, f"Only {inner} of {data} is read{also}: good parts alone.")
    if not pictures.facts:
        raise InputError(f"None of the {len(pictures.files)} pictures in {place} can be read.")
    return pictures


def any_pictures(data: Path) -> Pictures:
    """All pictures of a folder, or one picture.

    Raises:
        InputError: If there are none.
    """
    return _found(data if data.is_file() else _folder(data))


@dataclasses.dataclass
class Labelled:
    """Pictures with what is known of them.

    Attributes:
        pictures: The pictures.
        kinds: The type of each, ``"good"`` or a defect's.
        masks: File of the mask of each; None for good ones and where there is none.
    """

    pictures: Pictures
    kinds: list[str]
    masks: list[Path | None]


def labelled_pictures(data: Path, masks: Path | None = None) -> Labelled:
    """Pictures in a folder for each type, of which ``good`` is one.

    Args:
        data: A tree with ``test``, or the folder of the types' folders.
        masks: Folder of the masks, in the same folders, with names that begin with the picture's;
            by default ``ground_truth`` in the tree.

    Raises:
        InputError: If there are no such folders.
    """
    data = _folder(data)
    place = data / _TEST if (data / _TEST).is_dir() else data
    kinds = sorted(p.name for p in place.iterdir() if p.is_dir() and p.name != _MASKS)
    if GOOD not in kinds or len(kinds) < 2:
        raise InputError(
            f"{place} has no folders of types, {GOOD!r} and one of each defect; found "
            f"{', '.join(kinds) or 'none'}."
        )
    if masks is None:
        masks = next((p / _MASKS for p in (place, place.parent) if (p / _MASKS).is_dir()), None)
    elif not masks.is_dir():
        raise InputError(f"There is no folder {masks}; give the one with the masks.")
    pictures = _found(place)
    inside = [
        f for f in pictures.files if f.relative_to(place).parts[0] in kinds and f.parent != place
    ]
    found = dataclasses.replace(pictures, files=inside)
    types = [file.relative_to(place).parts[0] for file in inside]
    named = [
        None if masks is None or kind == GOOD else _mask_of(masks / kind, file)
        for file, kind in zip(inside, types, strict=True)
    ]
    return Labelled(found, types, named)


def read_mask(mask: Path, picture: Facts, size: tuple[int, int]) -> np.ndarray:
    """A mask as booleans ``size``: what is brighter than half of its brightest place.

    A place of ``size`` is marked if half of it is, or any of it where no place were marked so.

    Raises:
        InputError: If it is damaged or has another size than its picture.
    """
    from PIL import Image

    try:
        with Image.open(mask) as image:
            width, height = image.size
            whole = np.asarray(image.convert("L"))
    except Exception as error:  # decoders of damaged files raise anything
        raise InputError(f"Cannot read the mask {mask}: it is damaged or no image.") from error
    if (height, width) != (picture.height, picture.width):
        raise InputError(
            f"The mask {mask} is of {width} x {height} pixels, its picture of {picture.width} x "
            f"{picture.height}; give masks of the pictures' sizes."
        )
    marked = Image.fromarray((whole > max(whole.max() / 2, 0.5)).astype(np.float32))
    share = np.asarray(marked.resize((size[1], size[0]), Image.Resampling.BOX))
    # What is thinner than a place is not lost altogether.
    return share >= 0.5 if (share >= 0.5).any() else share > 0


def _folder(data: Path) -> Path:
    if not data.is_dir():
        raise InputError(f"There is no folder {data}; give one of pictures.")
    return data


def _found(place: Path) -> Pictures:
    found = find_pictures(place)
    return Pictures(
        place, list(found.files), dict(found.facts), dict(found.skipped), list(found.remarks)
    )


def _mask_of(folder: Path, picture: Path) -> Path | None:
    for name in (f"{picture.stem}_mask", picture.stem):
        for suffix in SUFFIXES:
            if (folder / f"{name}{suffix}").is_file():
                return folder / f"{name}{suffix}"
    return None
