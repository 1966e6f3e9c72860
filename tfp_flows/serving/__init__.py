"""Flows for servers and devices: what runs where this package is not installed."""

from tfp_flows.serving.writing import FORMATS, check_target, write

__all__ = ["FORMATS", "check_target", "write"]
