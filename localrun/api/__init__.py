"""The classes that a user touches from Python, with the names, defaults and semantics of `azureml.core`.

What lives here: mutable objects that refuse unknown attributes and turn into the document of their file form and back,
and what a submitted run needs until its supervisor has it. Import the classes from `localrun`. What does not:
decisions; `localrun.formats` and `localrun.resolve` make of their documents what runs.
"""
