"""The checks that the rubric file names."""

from tfp_flows.grading.rubrics.realnvp.block import block
from tfp_flows.grading.rubrics.realnvp.coupling import channel_mask, coupling
from tfp_flows.grading.rubrics.realnvp.layer import coupling_layer
from tfp_flows.grading.rubrics.realnvp.preprocess import preprocess
from tfp_flows.grading.rubrics.realnvp.resnet import conv_resnet
from tfp_flows.grading.rubrics.realnvp.together import together

CHECKS = {
    "block": block,
    "channel_mask": channel_mask,
    "conv_resnet": conv_resnet,
    "coupling": coupling,
    "coupling_layer": coupling_layer,
    "preprocess": preprocess,
    "together": together,
}
