"""Bits per dimension of Glow after the same training time, beside other libraries.

Run ``python -m benchmarks.images --data mnist.npz`` for the comparison; `benchmarks.images.models`
holds the models and the architecture that they share.
"""
