"""Compute targets: each makes a run's folder and says which processes are to be started, one module a target."""
