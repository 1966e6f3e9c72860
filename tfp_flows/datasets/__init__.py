"""Data for trying and training flows: toys, potentials, tables from files, published tables.

Importing this package imports neither TensorFlow nor pandas; the functions that need one do.
"""

from tfp_flows.datasets._frame_writers import save_frame
from tfp_flows.datasets._image_streams import ArrayImages, FolderImages, Images
from tfp_flows.datasets._pictures import facts_of, read_image
from tfp_flows.datasets._readers import parts_of
from tfp_flows.datasets._writers import TABLE_SUFFIXES, check_output, save_table
from tfp_flows.datasets.appending import appended
from tfp_flows.datasets.cloth import cloth, write_cloth
from tfp_flows.datasets.frames import Frame, load_frame, load_matching_frame
from tfp_flows.datasets.images import load_images
from tfp_flows.datasets.landscapes import landscapes
from tfp_flows.datasets.potentials import (
    POTENTIAL_BOX,
    POTENTIALS,
    potential_log_prob,
    sample_potential,
)
from tfp_flows.datasets.splits import Splits, split
from tfp_flows.datasets.sprites import SPRITE_FACTORS, Sprites, sprites
from tfp_flows.datasets.tables import (
    Table,
    check_table,
    load_matching,
    load_table,
)
from tfp_flows.datasets.texts import WordCounts, count_words, library_texts
from tfp_flows.datasets.toys import (
    TOYS,
    checkerboard,
    checkerboard_log_prob,
    eight_gaussians,
    eight_gaussians_log_prob,
    pinwheel,
    rings,
    spirals,
    toy,
    toy_line,
    two_moons,
)
from tfp_flows.datasets.uci import MAF_SIZES, load_maf_table, power_from_household

__all__ = [
    "MAF_SIZES",
    "POTENTIALS",
    "POTENTIAL_BOX",
    "SPRITE_FACTORS",
    "TABLE_SUFFIXES",
    "TOYS",
    "ArrayImages",
    "FolderImages",
    "Frame",
    "Images",
    "Splits",
    "Sprites",
    "Table",
    "WordCounts",
    "appended",
    "check_output",
    "check_table",
    "checkerboard",
    "checkerboard_log_prob",
    "cloth",
    "count_words",
    "eight_gaussians",
    "eight_gaussians_log_prob",
    "facts_of",
    "landscapes",
    "library_texts",
    "load_frame",
    "load_images",
    "load_maf_table",
    "load_matching",
    "load_matching_frame",
    "load_table",
    "parts_of",
    "pinwheel",
    "potential_log_prob",
    "power_from_household",
    "read_image",
    "rings",
    "sample_potential",
    "save_frame",
    "save_table",
    "spirals",
    "split",
    "sprites",
    "toy",
    "toy_line",
    "two_moons",
    "write_cloth",
]
