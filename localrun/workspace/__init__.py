"""The workspace: a folder of ours with the runs, their records and their locks.

What lives here: `home` says where it is and that nobody else can write there; `active` keeps one locked file a live
run; `records` keep run.json and, by `database`, its row; `recover` finds what is left of runs whose supervisor died;
`control` stops and signals live runs. What does not: starting ranks, and deciding what a run is.
"""
