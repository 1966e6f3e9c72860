"""Training, densities and samples on a GPU beside the CPU: ``python -m benchmarks.gpu``."""
