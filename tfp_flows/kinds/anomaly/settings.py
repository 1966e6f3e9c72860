"""What a fit to pictures of good parts can be asked for."""

import dataclasses
from pathlib import Path

from tfp_flows.errors import InputError
from tfp_flows.options import again, option
from tfp_flows.runs.settings import ACCUMULATE, LAYERS, Settings

_FEATURES, _THRESHOLD = "Features", "Threshold"
# Named here, as importing where they are made imports TensorFlow.
SCORES = ("latents_max", "latents_top", "density_max", "density_top")


def _layers(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise InputError(f"--feature-layers is {text!r}; give names with commas between.")
    return names


@dataclasses.dataclass(frozen=True, kw_only=True)
class AnomalySettings(Settings):
    """Pictures and options of a fit to them."""

    data: str = again(
        Settings,
        "data",
        help="A folder of pictures of good parts, or a tree with train/good, of which that alone "
        "is read.",
    )
    backbone: str = option(
        "efficientnet_lite0",
        panel=_FEATURES,
        metavar="NAME",
        help="Trained network: efficientnet_lite0, a model of keras.applications, or a saved "
        "Keras model.",
    )
    feature_layers: list[str] | None = option(
        None,
        panel=_FEATURES,
        metavar="A,B",
        parse=_layers,
        shown="by backbone",
        help="Its layers whose maps are looked at, a scale each.",
    )
    size: int | None = option(
        None,
        panel=_FEATURES,
        metavar="N",
        min=8,
        shown="the backbone's, or 224",
        help="Height and width that pictures are stretched to.",
    )
    normalise: str = option(
        "both",
        panel=_FEATURES,
        choices=("map", "place", "both"),
        help="Features to mean 0 and deviation 1 over a whole map, at each place, or both.",
    )
    background: str = option(
        "white",
        panel=_FEATURES,
        metavar="COLOUR",
        help="What shows through transparent pictures, such as black or #808080.",
    )
    false_alarms: float = option(
        0.05,
        panel=_THRESHOLD,
        metavar="RATE",
        help="Largest share of good parts that may be called bad.",
    )
    held_out: float = option(
        0.2,
        panel=_THRESHOLD,
        metavar="SHARE",
        help="Share of the pictures that the threshold stands on.",
    )
    score: str = option(
        "density_top",
        panel=_THRESHOLD,
        choices=SCORES,
        help="What a picture is judged by: squared latents or density, at the highest place or "
        "over the top 2 %.",
    )
    flow: str = again(Settings, "flow", "fastflow")
    layers: int | None = option(None, **LAYERS)
    epochs: int = again(Settings, "epochs", 20)
    patience: int = again(Settings, "patience", 20)
    batch_size: int = again(Settings, "batch_size", 16)
    accumulate: int = option(1, **ACCUMULATE)
    learning_rate: float = again(
        Settings, "learning_rate", 1e-3, help="Highest learning rate of Adam, lowered to 0."
    )

    def check(self) -> "AnomalySettings":
        """Makes the paths of pictures and backbone absolute.

        Raises:
            InputError: If an option is out of range.
        """
        settings = super().check()
        for name in ("false_alarms", "held_out"):
            value = getattr(self, name)
            if not 0 < value < 1:
                flag = name.replace("_", "-")
                raise InputError(f"--{flag} is {value:g}; give a share between 0 and 1, as 0.05.")
        backbone = Path(self.backbone)
        return dataclasses.replace(
            settings,
            data=str(Path(self.data).resolve()),
            backbone=str(backbone.resolve()) if backbone.is_file() else self.backbone,
        )
