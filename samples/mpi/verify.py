"""Check the outputs of a run of this sample: `python verify.py OUTPUTS [NODES]`; exit code 0 when they are right."""

from __future__ import annotations

import json
import math
import os
import sys


def verify(outputs: str, nodes: int = 1) -> list[str]:
    """Give what is wrong with the outputs of a run on so many nodes; an empty list when nothing is."""
    with open(os.path.join(outputs, "metrics.json"), encoding="utf-8") as file:
        metrics = json.load(file)
    ranks = [tuple(rank) for rank in metrics["ranks"]]
    checks = {
        f"the world size is {metrics['world_size']}, not 4": metrics["world_size"] == 4,
        f"pi is {metrics['pi']}": abs(metrics["pi"] - math.pi) < 1e-9,
        f"the ranks have different sums: {metrics['sums']}": len(set(metrics["sums"])) == 1,
        f"the ranks are {ranks}": ranks == [(str(rank * nodes // 4), str(rank)) for rank in range(4)],
    }
    return [text for text, holds in checks.items() if not holds]


if __name__ == "__main__":
    problems = verify(sys.argv[1] if len(sys.argv) > 1 else "outputs", int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    print("\n".join(problems) or "mpi: the outputs are right")
    sys.exit(1 if problems else 0)
