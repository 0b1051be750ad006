"""The workspace: a folder of the user's with all that stays: runs, snapshots, registered environments, locks.

What lives here: where it is (`home`, which lists what is in it), how each thing in it is written so that a crash leaves
it whole, and what is done to runs from outside (`control`, `recover`). What does not: starting ranks, making
environments, and deciding what a run is.
"""
