"""Check the outputs of a run of this sample: `python verify.py OUTPUTS`; exit code 0 when they are right."""

from __future__ import annotations

import json
import math
import os
import sys

# The line of least squares through the 50 points of cars.csv, from its closed form.
SLOPE, INTERCEPT = 3.932409, -17.579095


def verify(outputs: str) -> list[str]:
    """Give what is wrong with the outputs; an empty list when nothing is."""
    with open(os.path.join(outputs, "model", "model.json"), encoding="utf-8") as file:
        model = json.load(file)
    return [
        f"{name} is {model[name]}, not {expected}"
        for name, expected in (("slope", SLOPE), ("intercept", INTERCEPT))
        if not math.isclose(model[name], expected, rel_tol=1e-5)
    ]


if __name__ == "__main__":
    problems = verify(sys.argv[1] if len(sys.argv) > 1 else "outputs")
    print("\n".join(problems) or "quickstart: the outputs are right")
    sys.exit(1 if problems else 0)
