"""The grader on a folder of right, wrong and hostile submissions: time and memory.

Run ``python -m benchmarks.grading``; the submissions are those of the grader's tests.
"""
