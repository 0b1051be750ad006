"""Check the outputs of a run of this sample: `python verify.py OUTPUTS`; exit code 0 when they are right."""

from __future__ import annotations

import json
import os
import sys


def verify(outputs: str) -> list[str]:
    """Give what is wrong with the outputs; an empty list when nothing is."""
    with open(os.path.join(outputs, "metrics.json"), encoding="utf-8") as file:
        metrics = json.load(file)
    losses, alone = metrics["losses_by_rank"], metrics["loss_of_one_process"]
    places = [tuple(place) for place in metrics["places"]]
    difference = max(abs(loss - alone) for loss in losses)
    checks = {
        f"the world size is {metrics['world_size']}, not 4": metrics["world_size"] == 4,
        f"the ranks are at {places}": places == [(0, 0), (0, 1), (1, 0), (1, 1)],
        f"one process gets another loss, by {difference}": difference <= 1e-6,
        f"the loss went from {metrics['loss_before']} to {alone}": alone < metrics["loss_before"] / 2,
    }
    return [text for text, holds in checks.items() if not holds]


if __name__ == "__main__":
    problems = verify(sys.argv[1] if len(sys.argv) > 1 else "outputs")
    print("\n".join(problems) or "the outputs are right: two nodes of two ranks learn what one process does")
    sys.exit(1 if problems else 0)
