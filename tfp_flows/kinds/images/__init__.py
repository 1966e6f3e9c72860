"""Images: a folder of pictures, an array of bytes, or a known data set."""

from tfp_flows.kinds.images.editing import EDIT
from tfp_flows.kinds.images.settings import ImageSettings
from tfp_flows.kinds.images.upscaling import UPSCALE
from tfp_flows.kinds.images.verbs import INTERPOLATE, SAMPLE, SCORE
from tfp_flows.runs.kind import Kind
from tfp_flows.runs.verbs import EXPORT, PLOT

KIND = Kind(
    name="images",
    title="Density of images; held-out bits per dimension, and a grid of samples.",
    settings=ImageSettings,
    work="tfp_flows.kinds.images.work:ImageWork",
    verbs=(SAMPLE, SCORE, INTERPOLATE, EDIT, UPSCALE, PLOT, EXPORT),
    event="image",
    described={"shape": list, "classes": int},
    pictures=("samples.png",),
    examples=(
        "tfp-flows fit photos --flow glow --size 32 --flip --minutes 20 --out run",
        "tfp-flows fit mnist --flow glow --size 32 --by-class --out digits",
        "tfp-flows fit photos --size 64 --upscale 4 --out enlarger",
        "tfp-flows fit --resume --out run",
    ),
)
