"""The options of the commands: their types, limits and lines in `--help`."""

import enum
from pathlib import Path
from typing import Annotated

import typer

_DATA, _FLOW, _TRAINING, _OUTPUT = "Data", "Flow", "Training", "Output"
_IMAGES = "Images"


class Precision(str, enum.Enum):
    """Precision of a model."""

    float32 = "float32"
    float64 = "float64"


RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Folder that fit has written.")]
Seed = Annotated[
    int, typer.Option(metavar="N", min=0, max=2**31 - 1, help="Seed of all that is random.")
]
DropInvalid = Annotated[
    bool,
    typer.Option(
        "--drop-invalid",
        help="Drop rows with empty, NaN or infinite cells instead of refusing them.",
        rich_help_panel=_DATA,
    ),
]
Key = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Which array of an .npz file to read.", rich_help_panel=_DATA
    ),
]


Out = Annotated[
    Path,
    typer.Option(
        metavar="RUN",
        help="Folder to write: model, measures, pictures.",
        rich_help_panel=_OUTPUT,
        show_default=False,
    ),
]
Data = Annotated[
    str | None,
    typer.Argument(
        metavar="DATA",
        help="A toy (see [bold]tfp-flows list[/bold]) or a .csv, .npy, .npz or .parquet file; for "
        "flows of images a folder of .jpg and .png files, an .npy or .npz file of bytes, mnist, "
        "cifar10, or tfds:NAME.",
        show_default=False,
    ),
]
Columns = Annotated[
    str | None,
    typer.Option(
        metavar="A,B,...",
        help="Columns to use, by name or by number from 0.",
        rich_help_panel=_DATA,
    ),
]
Rows = Annotated[
    int | None,
    typer.Option(
        "--rows",
        "-n",
        metavar="N",
        min=1,
        help="Number of rows of a toy.",
        show_default="10000",
        rich_help_panel=_DATA,
    ),
]
FlowName = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="Kind of flow (see [bold]tfp-flows list[/bold]).",
        rich_help_panel=_FLOW,
    ),
]
Layers = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help="Number of layers.",
        show_default="by flow",
        rich_help_panel=_FLOW,
    ),
]
Hidden = Annotated[
    str | None,
    typer.Option(
        metavar="64,64",
        help="Hidden layers of each network.",
        show_default="by flow",
        rich_help_panel=_FLOW,
    ),
]
FlowOptions = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=VALUE",
        help="Any other argument of the flow; may be repeated.",
        rich_help_panel=_FLOW,
    ),
]
Dtype = Annotated[
    Precision,
    typer.Option(help="Precision; float64 for columns with a large offset.", rich_help_panel=_FLOW),
]
Epochs = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help="Most passes over the data.",
        show_default="500; images 100",
        rich_help_panel=_TRAINING,
    ),
]
Patience = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help="Stop after so many epochs without a better validation likelihood.",
        show_default="30; images 20",
        rich_help_panel=_TRAINING,
    ),
]
BatchSize = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="Rows a step.", rich_help_panel=_TRAINING)
]
LearningRate = Annotated[
    float | None,
    typer.Option(
        metavar="RATE",
        help="Learning rate of Adam; halved where progress stalls, of images lowered to 0.",
        show_default="0.005; images 0.001",
        rich_help_panel=_TRAINING,
    ),
]
FitSeed = Annotated[
    int,
    typer.Option(
        metavar="N",
        min=0,
        max=2**31 - 1,
        help="Seed of the split, the weights and the order of rows.",
        rich_help_panel=_TRAINING,
    ),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Go on with an interrupted fit in RUN, with its data and options.",
        rich_help_panel=_OUTPUT,
    ),
]
Overwrite = Annotated[
    bool,
    typer.Option("--overwrite", help="Replace an earlier fit in RUN.", rich_help_panel=_OUTPUT),
]
NoPlots = Annotated[
    bool, typer.Option("--no-plots", help="Draw no pictures.", rich_help_panel=_OUTPUT)
]
Output = Annotated[
    Path,
    typer.Option(
        "--output",
        "-o",
        help="File to write: .csv, .npy, .npz or .parquet.",
        show_default=False,
    ),
]
Size = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=2,
        help="Height and width: arrays are padded, files cropped and resized.",
        show_default="as they are",
        rich_help_panel=_IMAGES,
    ),
]
Grey = Annotated[
    bool, typer.Option("--grey", help="Turn colours to grey.", rich_help_panel=_IMAGES)
]
Flip = Annotated[
    bool,
    typer.Option(
        "--flip", help="Flip training images left to right at random.", rich_help_panel=_IMAGES
    ),
]
ByClass = Annotated[
    bool,
    typer.Option("--by-class", help="Condition the flow on the labels.", rich_help_panel=_IMAGES),
]
Minutes = Annotated[
    float | None,
    typer.Option(
        metavar="M",
        min=0.01,
        help="Most minutes of training.",
        show_default="no limit",
        rich_help_panel=_IMAGES,
    ),
]
TensorBoard = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Folder for the logs of TensorBoard: measures and samples of each epoch.",
        rich_help_panel=_IMAGES,
    ),
]
Picture = Annotated[
    Path,
    typer.Option(
        "--output", "-o", help="Picture to write: .png, .jpg or .webp.", show_default=False
    ),
]
