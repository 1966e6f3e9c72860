"""Runs the grader on platforms, and builds what they ask for."""
