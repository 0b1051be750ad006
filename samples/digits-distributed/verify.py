"""Check the outputs of a run of this sample: `python verify.py OUTPUTS`; exit code 0 when they are right."""

from __future__ import annotations

import hashlib
import json
import os
import sys


def verify(outputs: str) -> list[str]:
    """Give what is wrong with the outputs; an empty list when nothing is."""
    with open(os.path.join(outputs, "metrics.json"), encoding="utf-8") as file:
        metrics = json.load(file)
    with open(os.path.join(outputs, "model", "model.npz"), "rb") as file:
        model = hashlib.sha256(file.read()).hexdigest()
    hashes, losses = metrics["weights_sha256_by_rank"], metrics["losses"]
    checks = {
        f"the accuracy {metrics['accuracy']:.4f} is below 0.93": metrics["accuracy"] >= 0.93,
        f"the world size is {metrics['world_size']}, not 4": metrics["world_size"] == 4,
        f"the ranks ended with different weights: {hashes}": len(hashes) == 4 and len(set(hashes)) == 1,
        f"one process gets other weights, by {metrics['difference_from_one_process']}": (
            metrics["difference_from_one_process"] <= 1e-9
        ),
        f"the loss went from {losses[0]:.4f} to {losses[-1]:.4f}": losses[-1] < losses[0] / 5,
        "model.npz is not the model that was trained": model == metrics["model_sha256"],
    }
    return [text for text, holds in checks.items() if not holds]


if __name__ == "__main__":
    problems = verify(sys.argv[1] if len(sys.argv) > 1 else "outputs")
    print("\n".join(problems) or "digits-distributed: the outputs are right")
    sys.exit(1 if problems else 0)
