"""Fit a straight line to measured stopping distances of cars, by gradient descent, with the standard library only."""

from __future__ import annotations

import argparse
import csv
import json
import os
from statistics import fmean, pstdev


def read_cars(path: str) -> tuple[list[float], list[float]]:
    """Give the speeds (mph) and the stopping distances (ft)."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [float(row["speed_mph"]) for row in rows], [float(row["distance_ft"]) for row in rows]


def train(speeds: list[float], distances: list[float], epochs: int) -> tuple[float, float]:
    """Give the line's slope (ft per mph) and its value at speed 0 (ft)."""
    middle, width = fmean(speeds), pstdev(speeds)
    points = [((speed - middle) / width, distance) for speed, distance in zip(speeds, distances, strict=True)]
    slope = intercept = 0.0
    for epoch in range(1, epochs + 1):
        errors = [(slope * x + intercept - distance, x) for x, distance in points]
        slope -= 0.2 * fmean(error * x for error, x in errors)
        intercept -= 0.2 * fmean(error for error, _ in errors)
        if epoch == 1 or epoch % 20 == 0:
            print(f"epoch {epoch:3}  loss {fmean(error**2 for error, _ in errors):8.2f}", flush=True)
    return slope / width, intercept - slope * middle / width


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--model", default="outputs", help="folder for the fitted line")
    arguments = parser.parse_args()
    speeds, distances = read_cars("cars.csv")
    slope, intercept = train(speeds, distances, arguments.epochs)
    print(f"distance = {slope:.3f} * speed + {intercept:.3f}")
    with open(os.path.join(arguments.model, "model.json"), "w", encoding="utf-8") as file:
        json.dump({"slope": slope, "intercept": intercept, "epochs": arguments.epochs}, file)


if __name__ == "__main__":
    main()
