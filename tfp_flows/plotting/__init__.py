"""Figures of data, samples, densities and trainings.

Every function returns a matplotlib figure that pyplot does not know, so nothing global changes
and nothing has to be closed. matplotlib is imported by the functions, not by this package.
"""

from tfp_flows.plotting.calibration import plot_calibration
from tfp_flows.plotting.checks import plot_check
from tfp_flows.plotting.columns import plot_columns
from tfp_flows.plotting.corner import plot_corner
from tfp_flows.plotting.flow import plot_flow
from tfp_flows.plotting.grid import check_picture, image_grid, save_image, save_images
from tfp_flows.plotting.line import plot_flow_1d
from tfp_flows.plotting.marginals import plot_marginals, plot_weights
from tfp_flows.plotting.plane import density_2d, plot_flow_2d
from tfp_flows.plotting.returns import plot_returns
from tfp_flows.plotting.saving import save_figure
from tfp_flows.plotting.spectrogram import plot_spectrograms
from tfp_flows.plotting.training import plot_training_curve
from tfp_flows.plotting.traversals import plot_traversals

__all__ = [
    "check_picture",
    "density_2d",
    "image_grid",
    "plot_calibration",
    "plot_check",
    "plot_columns",
    "plot_corner",
    "plot_flow",
    "plot_flow_1d",
    "plot_flow_2d",
    "plot_marginals",
    "plot_returns",
    "plot_spectrograms",
    "plot_training_curve",
    "plot_traversals",
    "plot_weights",
    "save_figure",
    "save_image",
    "save_images",
]
