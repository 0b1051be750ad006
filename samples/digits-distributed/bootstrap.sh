#!/usr/bin/env bash
# What train.py needs besides environment.yml. localrun runs it once a node, before the first rank starts to train:
# a dependency that still changes often can be tried here without making the environment anew.
set -euo pipefail
python -m pip install --quiet --disable-pip-version-check 'tabulate>=0.9,<1'
python -c 'import tabulate; print("bootstrap: tabulate", tabulate.__version__)'
