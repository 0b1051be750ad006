"""Integrate 4 / (1 + x²) over all ranks of an MPI job: the sum is pi."""

from __future__ import annotations

import json
import os

from mpi4py import MPI

STEPS = 100_000


def main() -> None:
    world = MPI.COMM_WORLD
    step = 1 / STEPS
    mine = sum(4 / (1 + ((index + 0.5) * step) ** 2) for index in range(world.rank, STEPS, world.size)) * step
    print(f"rank {world.rank} of {world.size} adds {mine:.6f}", flush=True)
    total = world.allreduce(mine)
    told = (os.environ.get("AZUREML_CR_NODE_RANK"), os.environ.get("OMPI_COMM_WORLD_RANK") or os.environ["PMI_RANK"])
    metrics = {"world_size": world.size, "pi": total, "ranks": world.allgather(told)}
    metrics["sums"] = world.allgather(total)
    if world.rank == 0:
        print(f"pi is {total:.10f}", flush=True)
        os.makedirs("outputs", exist_ok=True)
        with open("outputs/metrics.json", "w", encoding="utf-8") as file:
            json.dump(metrics, file, indent=1)


if __name__ == "__main__":
    main()
