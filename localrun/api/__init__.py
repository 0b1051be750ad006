"""The classes that a user touches from Python, with the names, defaults and semantics of `azureml.core`.

What lives here: mutable objects that refuse unknown attributes, and turn into the plain document of their file form and
back (`to_document`, `from_document`). Import them from `localrun`. What does not: decisions; what runs is made of their
documents by `localrun.formats` and `localrun.resolve`.
"""
