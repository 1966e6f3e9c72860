"""Two attributes of handwritten figures, from their pixels: slant and width of the strokes."""

import numpy as np


def slant(images: np.ndarray) -> np.ndarray:
    """How far figures lean to the right, in degrees, ``[n]``.

    The shear of the second moments: by how many pixels the ink lies further right, a pixel further
    up.

    Args:
        images: Bright on black, ``[n, height, width, 1]``.
    """
    ink = np.clip(images[..., 0].astype(np.float64), 0, 255)
    ink /= np.maximum(ink.sum(axis=(1, 2), keepdims=True), 1e-9)
    up, right = -np.arange(ink.shape[1])[:, None], np.arange(ink.shape[2])[None]

    def mean(values):
        return (ink * values).sum(axis=(1, 2))

    up_right = mean(up * right) - mean(up) * mean(right)
    return np.degrees(np.arctan2(up_right, mean(up**2) - mean(up) ** 2))


def stroke_width(images: np.ndarray) -> np.ndarray:
    """Mean width of the strokes, in pixels, ``[n]``: twice the area over the length of the edges.

    The length is the total variation, which is the mean over all grey levels of the length of
    their contours (Fleming and Rishel 1960, doi:10.1007/BF01236935).

    Args:
        images: Bright on black, ``[n, height, width, 1]``.
    """
    ink = np.clip(images[..., 0].astype(np.float64), 0, 255)
    ink = np.pad(ink, [(0, 0), (1, 1), (1, 1)])
    down, across = np.diff(ink, axis=1)[:, :, :-1], np.diff(ink, axis=2)[:, :-1]
    edges = np.hypot(down, across).sum(axis=(1, 2))
    return 2 * ink.sum(axis=(1, 2)) / np.maximum(edges, 1e-9)


ATTRIBUTES = {"slant, degrees": slant, "stroke width, pixels": stroke_width}
"""Name with its unit to what measures it."""
