"""Recordings: files, mel spectrograms, segments, voices, the bias of a vocoder, noise."""

from tfp_flows.audio.bias import BiasRemover
from tfp_flows.audio.cleaning import clean, noise_level, si_sdr, wiener
from tfp_flows.audio.clips import Clip, Clips
from tfp_flows.audio.files import read_clip, read_clips, write_clip
from tfp_flows.audio.mel import MelSettings, load_mel, log_mel, mel_filters, save_mel
from tfp_flows.audio.segments import Framed
from tfp_flows.audio.speakers import speakers_of
from tfp_flows.audio.style import carry_latents
from tfp_flows.audio.voices import Spoken, Voices, convert, speaker_scores

__all__ = [
    "BiasRemover",
    "Clip",
    "Clips",
    "Framed",
    "MelSettings",
    "Spoken",
    "Voices",
    "carry_latents",
    "clean",
    "convert",
    "load_mel",
    "log_mel",
    "mel_filters",
    "noise_level",
    "read_clip",
    "read_clips",
    "save_mel",
    "si_sdr",
    "speaker_scores",
    "speakers_of",
    "wiener",
    "write_clip",
]
