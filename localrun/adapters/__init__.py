"""The outer world, one file each: libraries of others, programs, system calls, the engine of containers.

What lives here: how to ask for it, and the turning of every foreign exception into one of `localrun.errors`. What does
not: what to ask for; nothing here decides, and nothing here knows of runs.
"""
