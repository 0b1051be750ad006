"""Secrets: kept encrypted, handed to ranks by their environment only, masked in what they print.

What lives here: the store (`store`), what a launch takes from it (`launch`), masks (`masks`), and the search for
secrets in what a run leaves (`scan`). What does not: any value in a plan, a record, an argument or a message.
"""
