"""Check the outputs of a run of this sample: `python verify.py OUTPUTS`; exit code 0 when they are right."""

from __future__ import annotations

import json
import os
import sys

LEAST_ACCURACY = 0.9


def verify(outputs: str) -> list[str]:
    """Give what is wrong with the outputs; an empty list when nothing is."""
    with open(os.path.join(outputs, "result.json"), encoding="utf-8") as file:
        result = json.load(file)
    if result["accuracy"] < LEAST_ACCURACY:
        return [f"the accuracy is {result['accuracy']:.3f}, below {LEAST_ACCURACY}"]
    return []


if __name__ == "__main__":
    problems = verify(sys.argv[1] if len(sys.argv) > 1 else "outputs")
    print("\n".join(problems) or "digits-tracked: the outputs are right")
    sys.exit(1 if problems else 0)
