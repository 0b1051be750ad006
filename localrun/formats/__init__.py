"""The file formats: bytes in, values of `localrun.spec` out, and back where files are written.

What lives here: one reader a format, behind one gate with limits for all YAML and JSON (`gate`), with file, line and
key in every error. What does not: the disk; files come by the `read` that a reader is handed.
"""
