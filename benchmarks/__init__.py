"""Benchmarks: commands that measure, kept outside of the package."""
