"""Fit a small network with plain Python: the same seed gives the same bytes, whenever and wherever it runs."""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import struct


def train(seed: int, epochs: int) -> tuple[list[float], list[float]]:
    """Give the weights of a network of eight hidden units that has learnt a sine, and the loss of each epoch."""
    draw = random.Random(seed)
    points = [(x, math.sin(x)) for x in (draw.uniform(-3, 3) for _ in range(200))]
    weights = [draw.gauss(0, 0.5) for _ in range(25)]
    losses = []
    for _ in range(epochs):
        draw.shuffle(points)
        total = 0.0
        for x, wanted in points:
            hidden = [math.tanh(weights[n] * x + weights[8 + n]) for n in range(8)]
            error = sum(weights[16 + n] * hidden[n] for n in range(8)) + weights[24] - wanted
            total += error * error
            for n in range(8):
                slope = error * weights[16 + n] * (1 - hidden[n] ** 2)
                weights[16 + n] -= 0.02 * error * hidden[n]
                weights[n] -= 0.02 * slope * x
                weights[8 + n] -= 0.02 * slope
            weights[24] -= 0.02 * error
        losses.append(total / len(points))
    return weights, losses


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=60)
    asked = parser.parse_args()
    weights, losses = train(asked.seed, asked.epochs)
    with open(os.path.join("outputs", "weights.bin"), "wb") as file:
        file.write(struct.pack(f"<{len(weights)}d", *weights))
    with open(os.path.join("outputs", "losses.json"), "w", encoding="utf-8") as file:
        json.dump(losses, file, indent=1)
    print(f"loss {losses[0]:.4f} -> {losses[-1]:.4f}")


if __name__ == "__main__":
    main()
