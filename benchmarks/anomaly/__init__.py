"""Anomalies, found by detectors that have seen normal examples alone.

Run ``python -m benchmarks.anomaly --tables`` or ``--pictures TREE``; ``--help`` shows the options.
Every detector gets the same normal examples, and is judged by the same ones that it has not seen.
"""
