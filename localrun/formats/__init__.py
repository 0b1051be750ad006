"""Readers of the file formats: bytes in, values of `localrun.spec` out; pure apart from the `read` they are handed."""
