"""The workspace: a folder of ours with runs, their records, locks and what is live.

    home        where it is, and that nobody else can write there
    active      one locked file a live run
    records     one record a run: run.json, and the row in `database`
    recover     what is left of runs whose supervisor died
    runs, snapshot, locks
"""
