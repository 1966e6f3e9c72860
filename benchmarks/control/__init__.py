"""Agents with flows and with Gaussians, ours and stable-baselines3's, on real environments.

Run ``python -m benchmarks.control``; environments and agents are in `cells`.
"""
