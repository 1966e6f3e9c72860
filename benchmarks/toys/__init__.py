"""KL divergence in nats of the toys whose exact density is known to every flow that fits data.

Run ``python -m benchmarks.toys``; the other toys show the test log-likelihood.
"""
