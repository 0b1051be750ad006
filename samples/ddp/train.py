"""Train a small network over all ranks with PyTorch's DistributedDataParallel, and then again in one process.

The gradients of the ranks' parts are averaged, and the parts are of equal size, so both trainings see the same numbers.
"""

from __future__ import annotations

import json
import os

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

STEPS = 40
EXAMPLES = 64


def make_data() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(EXAMPLES, 8, generator=generator, dtype=torch.float64)
    return inputs, torch.sin(inputs.sum(dim=1, keepdim=True))


def make_network() -> torch.nn.Module:
    torch.manual_seed(2)
    layers = (torch.nn.Linear(8, 32), torch.nn.Tanh(), torch.nn.Linear(32, 1))
    return torch.nn.Sequential(*layers).double()


def train(network: torch.nn.Module, inputs: torch.Tensor, targets: torch.Tensor) -> None:
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    for _ in range(STEPS):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(network(inputs), targets).backward()
        optimizer.step()


def measure(network: torch.nn.Module, inputs: torch.Tensor, targets: torch.Tensor) -> float:
    with torch.no_grad():
        return float(torch.nn.functional.mse_loss(network(inputs), targets))


def main() -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    rank, world_size = dist.get_rank(), dist.get_world_size()
    inputs, targets = make_data()
    before = measure(make_network(), inputs, targets)
    mine = slice(rank, None, world_size)
    print(f"rank {rank} of {world_size} trains on {len(inputs[mine])} examples", flush=True)
    network = DistributedDataParallel(make_network())
    train(network, inputs[mine], targets[mine])
    loss = measure(network.module, inputs, targets)
    place = (int(os.environ["AZUREML_CR_NODE_RANK"]), int(os.environ["LOCAL_RANK"]))
    told = [torch.empty(3, dtype=torch.float64) for _ in range(world_size)]
    dist.all_gather(told, torch.tensor([loss, *place], dtype=torch.float64))
    dist.destroy_process_group()
    if rank != 0:
        return
    alone = make_network()
    train(alone, inputs, targets)
    metrics = {
        "world_size": world_size,
        "places": [(int(node), int(local_rank)) for _, node, local_rank in told],
        "loss_before": before,
        "losses_by_rank": [float(item[0]) for item in told],
        "loss_of_one_process": measure(alone, inputs, targets),
    }
    print(f"loss {before:.4f} -> {loss:.4f}, one process {metrics['loss_of_one_process']:.4f}", flush=True)
    os.makedirs("outputs", exist_ok=True)
    with open("outputs/metrics.json", "w", encoding="utf-8") as file:
        json.dump(metrics, file, indent=1)


if __name__ == "__main__":
    main()
