"""Speech: recordings given their mel spectrogram, a vocoder with a density; or who speaks."""

from tfp_flows.kinds.speech.conversion import CONVERT
from tfp_flows.kinds.speech.settings import SpeechSettings
from tfp_flows.kinds.speech.verbs import CLEAN, SAMPLE, SCORE
from tfp_flows.runs.kind import Kind
from tfp_flows.runs.verbs import EXPORT, PLOT

KIND = Kind(
    name="speech",
    title="Density of recordings given their mel spectrogram, or who speaks, in nats a sample.",
    settings=SpeechSettings,
    work="tfp_flows.kinds.speech.work:SpeechWork",
    verbs=(SAMPLE, SCORE, CLEAN, CONVERT, PLOT, EXPORT),
    event="recording",
    described={"mel": dict, "clips": dict},
    pictures=("spectrograms.png",),
    loss="negative log-likelihood (nats a sample)",
    examples=(
        "tfp-flows fit recordings --flow waveglow --minutes 30 --out run",
        "tfp-flows fit digits.npz --flow waveglow --segment 4096 --out digits",
        "tfp-flows fit speakers --flow blow --segment 4096 --out voices",
        "tfp-flows fit --resume --out run",
    ),
)
