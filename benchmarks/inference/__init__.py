"""Flow posteriors against reference draws of Bayesian models.

Run ``python -m benchmarks.inference --data DIR``; the models are in `models`, a file each.
"""
