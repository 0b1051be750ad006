"""`python -m localrun`."""

from localrun.cli import enter

enter()
