"""localrun runs machine-learning run configurations on your own machine.

What lives here: the version. The rest of the package is imported where it is used, because starting fast is a feature.
"""

__version__ = "0.1.0.dev0"
