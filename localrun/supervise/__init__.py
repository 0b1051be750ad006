"""A run from its first process to its last: started, carried, ended, and described for its record.

`charge` and `process` are what comes in, `outcome` is what goes out, `course` decides, `loop` does, `supervisor` is the
process around both, `front` and `view` are what the user sees of it.
"""
