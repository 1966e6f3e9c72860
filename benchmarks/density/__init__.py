"""Test log-likelihood at equal cost: our flows, zuko's and a Gaussian, each trained equally long.

Run ``python -m benchmarks.density --data FILE``; ``--help`` shows the options. Every model gets
the same rows, the same architecture and optimiser (`recipes`), the same number of threads and the
same wall-clock time, compilation and validation included (`budget`), in a process of its own.
"""
