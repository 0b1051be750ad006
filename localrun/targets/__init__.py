"""Compute targets: each makes a run's folder and says which processes are to be started, one module a target.

What lives here: folders, networks, containers and the words of each rank's start. What does not: which ranks there are,
which is the plan's, and what becomes of them, which is `supervise`'s.
"""
