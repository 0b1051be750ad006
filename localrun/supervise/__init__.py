"""A run from its first process to its last: started, carried, ended, and described for its record.

What lives here: `charge` and `process` are what comes in, `outcome` is what goes out, `course` decides, `loop`
carries it out with the `hands` of the run's target, `supervisor` is the process around them, `closing` completes the
record, `front` and `view` are what the user sees of it. What does not: where ranks come from; a target brings the hands
that start and stop them.
"""
