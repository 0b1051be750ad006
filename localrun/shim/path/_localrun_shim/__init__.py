"""What localrun adds to a script's `Run`. Standard library only, Python 3.6 and newer."""
