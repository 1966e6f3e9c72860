"""Keras: flows as models and layers, in whichever Keras `tf.keras` is."""

from tfp_flows.models.callbacks import ResumableTraining
from tfp_flows.models.clusters import training_strategy
from tfp_flows.models.columns import ColumnDrops, column_drops
from tfp_flows.models.export import export
from tfp_flows.models.flow_layer import FlowLayer
from tfp_flows.models.flow_model import FlowModel
from tfp_flows.models.image_callbacks import SampleGrid, WarmUpCosine
from tfp_flows.models.information import InformationGap, mutual_information_gap
from tfp_flows.models.saving import load
from tfp_flows.models.semi_supervised import SemiSupervisedVAE
from tfp_flows.models.text import perplexity, text_vae
from tfp_flows.models.vae import VAE
from tfp_flows.models.vae_presets import binarise, picture_vae
from tfp_flows.models.watching import EachCall
from tfp_flows.models.workers import WorkerLostError

__all__ = [
    "VAE",
    "ColumnDrops",
    "EachCall",
    "FlowLayer",
    "FlowModel",
    "InformationGap",
    "ResumableTraining",
    "SampleGrid",
    "SemiSupervisedVAE",
    "WarmUpCosine",
    "WorkerLostError",
    "binarise",
    "column_drops",
    "export",
    "load",
    "mutual_information_gap",
    "perplexity",
    "picture_vae",
    "text_vae",
    "training_strategy",
]
