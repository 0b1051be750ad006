"""A run from its first process to its last: started, carried, ended, and described for its record.

`charge` and `process` are what comes in, `outcome` is what goes out, `course` decides, `loop` carries it out with the
`hands` of the run's target, `supervisor` is the process around them, `front` and `view` are what the user sees of it.
"""
