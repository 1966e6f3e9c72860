"""Ten mixed tables and more: fit, sample, score and fill from the command line, and judge that.

Run it with ``python -m benchmarks.tables``.
"""
