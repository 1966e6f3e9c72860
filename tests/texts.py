"""Files of text for tests of tables, and the cells of frames."""

import pandas as pd


def written(folder, text, name="t.csv"):
    """A file with this text, or these bytes."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def cells(frame):
    """The cells of each column of a frame, None where missing."""
    return {
        name: [None if pd.isna(cell) else cell for cell in column]
        for name, column in frame.data.items()
    }
