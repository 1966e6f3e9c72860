"""Figures of an inspector on pictures whose types, and masks, are known."""

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from rich.table import Table

from tfp_flows.anomaly import Inspector, Pixels, image_auroc
from tfp_flows.anomaly.measures import Measured
from tfp_flows.anomaly.pictures import GOOD, Labelled, read_mask
from tfp_flows.anomaly.scores import MEASURES, SCORES
from tfp_flows.kinds.anomaly.pages import overlay
from tfp_flows.terminal import note, tracked

_BATCH = 32


class Found(NamedTuple):
    """What an inspector found in labelled pictures that could be read.

    Attributes:
        places: Their places among the labelled ones.
        kinds: The type of each.
        scores: ``[n, 4]``, in the order of `SCORES`.
        maps: ``[n, height, width]`` by measure.
        masks: ``[n, height, width]`` booleans.
        masked: Whether the mask of each is known: of good parts there is nothing to know.
    """

    places: list[int]
    kinds: np.ndarray
    scores: np.ndarray
    maps: dict[str, np.ndarray]
    masks: np.ndarray
    masked: np.ndarray


def look(model: Inspector, labelled: Labelled, background: str) -> Found:
    """Scores labelled pictures and reads their masks.

    Raises:
        InputError: If a mask cannot be read or has another size than its picture.
    """
    pictures, places, judged = labelled.pictures, [], []
    shape = (*model.backbone.size, model.backbone.channels)
    for remark in pictures.remarks_on(shape, background):
        note(remark)
    total = -(-len(pictures.files) // _BATCH)
    for some, read in tracked(pictures.batches(shape, _BATCH, background), "Scoring", total):
        places += some
        judged.append(model.judge(read))
    maps = {name: np.concatenate([one.maps[name] for one in judged]) for name in MEASURES}
    scores = np.concatenate([one.scores for one in judged])
    return beside_labels(labelled, places, scores, maps)


def beside_labels(
    labelled: Labelled, places: list[int], scores: np.ndarray, maps: dict[str, np.ndarray]
) -> Found:
    """Puts what was found beside the types and masks; see `Found`.

    Raises:
        InputError: If a mask cannot be read or has another size than its picture.
    """
    size = next(iter(maps.values())).shape[1:]
    masks, masked = np.zeros((len(places), *size), bool), np.ones(len(places), bool)
    for row, place in enumerate(places):
        mask, file = labelled.masks[place], labelled.pictures.files[place]
        if mask is not None:
            masks[row] = read_mask(mask, labelled.pictures.facts[file], size)
        # A defect without a mask, or with an empty one, is somewhere.
        masked[row] = labelled.kinds[place] == GOOD or masks[row].any()
    kinds = np.array([labelled.kinds[place] for place in places])
    lacking = int((~masked).sum())
    if lacking:
        note(
            f"{lacking:,} of {int((kinds != GOOD).sum()):,} pictures of defects have no mask or an "
            "empty one; they are left out of the figures of places."
        )
    return Found(places, kinds, scores, maps, masks, masked)


def figures(found: Found, score: str, at: Mapping[str, Any]) -> dict[str, Any]:
    """AUROC of pictures and places, AU-PRO, and alarms, of all and by type: JSON values."""
    defect = found.kinds != GOOD
    types = sorted(set(found.kinds) - {GOOD})
    column = SCORES.index(score)
    alarm = found.scores[:, column] > at["value"]
    chosen = {"all": np.ones(len(defect), bool), **{t: (found.kinds == t) | ~defect for t in types}}
    result: dict[str, Any] = {
        "score": score,
        "threshold": dict(at),
        "pictures": {
            GOOD: int((~defect).sum()),
            **{t: int((found.kinds == t).sum()) for t in types},
        },
        "false_alarms": _json(float(alarm[~defect].mean()) if (~defect).any() else math.nan),
        "image_auroc_by_score": {
            name: _measured(image_auroc(found.scores[:, i], defect))
            for i, name in enumerate(SCORES)
        },
        "types": {},
    }
    has_masks = bool(found.masks.any())
    measure = score.partition("_")[0]
    pixels = Pixels(found.maps[measure], found.masks) if has_masks else None
    for name, rows in chosen.items():
        own = {
            "image_auroc": _measured(image_auroc(found.scores[rows, column], defect[rows])),
            "found": _json(float(alarm[rows & defect].mean())),
        }
        if pixels is not None:
            own["pixel_auroc"] = _measured(pixels.auroc(rows & found.masked))
            own["au_pro"] = _measured(pixels.au_pro(rows & found.masked))
        result["types"][name] = own
    return result


def lines(values: Mapping[str, Any]) -> Iterator[Any]:
    """What is printed of `figures`."""
    columns = {"image_auroc": "image AUROC", "pixel_auroc": "pixel AUROC", "au_pro": "AU-PRO 0.3"}
    table = Table(box=None, pad_edge=False)
    table.add_column("type", style="bold", no_wrap=True)
    for name in ("pictures", *columns.values(), "found"):
        table.add_column(name, justify="right", no_wrap=True)
    counts = values["pictures"]
    for name, own in values["types"].items():
        count = sum(v for k, v in counts.items() if k != GOOD) if name == "all" else counts[name]
        cells = [_cell(own.get(column)) for column in columns]
        table.add_row(name, f"{count:,}", *cells, f"{100 * own['found']:.1f} %")
    at = values["threshold"]
    yield f"Judged by {values['score']}; in brackets 95 % bootstrap intervals over pictures."
    yield table
    rate = values["false_alarms"]
    yield (
        f"False alarms: {100 * rate:.1f} % of {counts[GOOD]:,} good pictures, at a stated "
        f"{100 * at['false_alarms']:g} % by {at['held_out']:,} held-out ones."
    )
    others = ", ".join(
        f"{name} {own['value']:.3f}" for name, own in values["image_auroc_by_score"].items()
    )
    yield f"Image AUROC by each score: {others}."


def rows(
    model: Inspector, labelled: Labelled, found: Found, score: str, count: int
) -> Iterator[tuple[str, np.ndarray, np.ndarray | None, np.ndarray]]:
    """Rows of a page: pictures of each type in turn, from the oddest on, defects first."""
    column, measure = SCORES.index(score), score.partition("_")[0]
    types = [*sorted(set(found.kinds) - {GOOD}), GOOD]
    order = {
        t: [i for i in np.argsort(-found.scores[:, column]) if found.kinds[i] == t] for t in types
    }
    chosen = []
    # The middle of each type first: neither the easiest nor the hardest.
    for turn in range(max(map(len, order.values()))):
        for own in order.values():
            if turn < len(own):
                chosen.append(own[(len(own) // 2 + turn * 7) % len(own)])
    chosen = sorted(dict.fromkeys(chosen[:count]), key=lambda i: types.index(found.kinds[i]))
    shape = (*model.backbone.size, model.backbone.channels)
    result = []
    for row in chosen:
        place = found.places[row]
        ((_, read),) = labelled.pictures.chosen([place]).batches(shape, 1)
        title = f"{found.kinds[row]}, {score} {found.scores[row, column]:.3g}"
        heat = overlay(model, read[0], found.maps[measure][row], score)
        mask = found.masks[row] if found.masks[row].any() else None
        result.append((title, read[0], mask, heat))
    return result


def _measured(figure: Measured) -> dict[str, float | None]:
    return {name: _json(value) for name, value in figure._asdict().items()}


def _json(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _cell(figure: Mapping[str, float | None] | None) -> str:
    if figure is None or figure["value"] is None:
        return ""
    value, low, high = (figure[name] for name in ("value", "low", "high"))
    return f"{value:.3f} [{low:.3f}, {high:.3f}]" if low is not None else f"{value:.3f}"
