"""Defects in pictures from good examples alone: backbones, scores, thresholds, measures."""

from tfp_flows.anomaly.backbones import Backbone
from tfp_flows.anomaly.inspector import Calibration, Inspector, Judged
from tfp_flows.anomaly.measures import Pixels, auroc, image_auroc
from tfp_flows.anomaly.scores import SCORES, heat_maps, picture_scores

__all__ = [
    "SCORES",
    "Backbone",
    "Calibration",
    "Inspector",
    "Judged",
    "Pixels",
    "auroc",
    "heat_maps",
    "image_auroc",
    "picture_scores",
]
