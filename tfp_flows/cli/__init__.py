"""The command `tfp-flows`."""

import os
import sys


def main() -> None:
    """Runs the command line; the entry point of the installed script."""
    # Set before TensorFlow is imported, and only here: a library must not decide this.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from tfp_flows.cli.app import app

    try:
        app(prog_name="tfp-flows")
    except SystemExit as ended:
        from tfp_flows.terminal import INTERRUPTED

        if ended.code == INTERRUPTED:
            # A step of TensorFlow may still run, which can crash while Python takes itself apart.
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(INTERRUPTED)
        raise
