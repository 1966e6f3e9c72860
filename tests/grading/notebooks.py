"""Notebooks for tests, made of code."""

import json


def notebook(*cells, **more):
    """The text of a notebook with cells of code."""
    return json.dumps(
        {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": {},
            "cells": [
                {
                    "cell_type": "code",
                    "id": f"c{number}",
                    "metadata": {},
                    "execution_count": None,
                    "outputs": [],
                    "source": source.splitlines(keepends=True),
                }
                for number, source in enumerate(cells)
            ],
            **more,
        }
    )


EMPTY = '''
def get_conv_resnet(input_shape, filters):
    """
    Returns a Model.
    """
    # YOUR CODE HERE
    raise NotImplementedError()


def channel_binary_mask(num_channels, orientation=0):
    """Returns a mask."""


def forward(x, b, shift_and_log_scale_fn):
    # YOUR CODE HERE
    pass


def inverse(y, b, shift_and_log_scale_fn):
    ...


def forward_log_det_jacobian(x, b, shift_and_log_scale_fn):
    return None


def inverse_log_det_jacobian(y, b, shift_and_log_scale_fn):
    # YOUR CODE HERE
    raise NotImplementedError()


class AffineCouplingLayer(tfb.Bijector):
    def __init__(self, shift_and_log_scale_fn, mask_type, orientation, **kwargs):
        # YOUR CODE HERE
        raise NotImplementedError()

    def _get_mask(self, shape):
        # YOUR CODE HERE
        raise NotImplementedError()

    def _forward(self, x):
        return forward(x, self._get_mask(x.shape), self.shift_and_log_scale_fn)


def realnvp_block(shift_and_log_scale_fns, squeeze):
    # YOUR CODE HERE
    raise NotImplementedError()


def get_preprocess_bijector(alpha):
    # YOUR CODE HERE
    raise NotImplementedError()
'''
