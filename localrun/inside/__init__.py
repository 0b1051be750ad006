"""Looking inside a run: in the place of one of its ranks, while it runs and after it has ended.

What lives here: which rank, node or place of a run is meant, and what was there. What does not: the terminal (`cli`),
and how a process or a container is reached (`adapters`).
"""
