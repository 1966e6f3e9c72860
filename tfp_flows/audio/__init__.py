"""Recordings: files, mel spectrograms, segments, the bias of a vocoder, noise."""

from tfp_flows.audio.bias import BiasRemover
from tfp_flows.audio.cleaning import clean, noise_level, si_sdr, wiener
from tfp_flows.audio.files import Clip, Clips, read_clip, read_clips, write_clip
from tfp_flows.audio.mel import MelSettings, load_mel, log_mel, mel_filters, save_mel
from tfp_flows.audio.segments import Framed

__all__ = [
    "BiasRemover",
    "Clip",
    "Clips",
    "Framed",
    "MelSettings",
    "clean",
    "load_mel",
    "log_mel",
    "mel_filters",
    "noise_level",
    "read_clip",
    "read_clips",
    "save_mel",
    "si_sdr",
    "wiener",
    "write_clip",
]
