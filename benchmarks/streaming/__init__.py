"""Tables larger than memory: fits and scores that are streamed beside those that are not.

Run ``python -m benchmarks.streaming``; the law of the table is in `table`.
"""
