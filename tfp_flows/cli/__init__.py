"""The command `tfp-flows`."""

import os


def main() -> None:
    """Runs the command line; the entry point of the installed script."""
    # Set before TensorFlow is imported, and only here: a library must not decide this.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from tfp_flows.cli.app import app

    app(prog_name="tfp-flows")
