#!/usr/bin/env bash
# Gradescope runs this once, as root, when it builds the autograder.
set -euo pipefail
apt-get update
apt-get install -y --no-install-recommends python3 python3-venv
python3 -m venv /autograder/environment
/autograder/environment/bin/pip install --no-cache-dir -r /autograder/source/requirements.txt
