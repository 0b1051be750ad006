"""Train a small neural network on scikit-learn's handwritten digits, data-parallel over the ranks of the run.

Every rank holds its own part of the training images. In each epoch it computes the gradient of its part; the sum over
all ranks moves the weights, the same way on every rank. The result does not depend on the number of ranks.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from contextlib import closing

import numpy as np
from allreduce import Group
from sklearn.datasets import load_digits
from tabulate import tabulate

SEED = 20
HIDDEN = 48
TEST_SIZE = 360


def load_data() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Give training images and labels, then those for the test: images as rows of 64 numbers from 0 to 1."""
    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(SEED).permutation(len(images))
    images, labels = images[order] / 16, np.eye(10)[labels[order]]
    return images[TEST_SIZE:], labels[TEST_SIZE:], images[:TEST_SIZE], labels[:TEST_SIZE]


def make_weights() -> list[np.ndarray]:
    random = np.random.default_rng(SEED)
    shapes = [(64, HIDDEN), (1, HIDDEN), (HIDDEN, 10), (1, 10)]
    return [random.normal(0, shape[0] ** -0.5, shape) if shape[0] > 1 else np.zeros(shape) for shape in shapes]


def predict(weights: list[np.ndarray], images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the hidden layer, and the probability of each of the ten digits."""
    hidden = np.tanh(images @ weights[0] + weights[1])
    scores = hidden @ weights[2] + weights[3]
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    return hidden, exponentials / exponentials.sum(axis=1, keepdims=True)


def compute_gradient(weights: list[np.ndarray], images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Give the gradient of the summed loss as one flat array, the loss itself behind it."""
    hidden, probabilities = predict(weights, images)
    loss = -np.log((probabilities * labels).sum(axis=1)).sum()
    output = probabilities - labels
    inner = (output @ weights[2].T) * (1 - hidden**2)
    parts = [images.T @ inner, inner.sum(axis=0), hidden.T @ output, output.sum(axis=0), loss]
    return np.concatenate([np.ravel(part) for part in parts])


def train(group: Group, images: np.ndarray, labels: np.ndarray, epochs: int, rate: float) -> tuple[list, list]:
    """Train on this rank's part of the images; give the weights and the loss of every epoch."""
    mine = slice(group.rank, None, group.world_size)
    weights = make_weights()
    velocity = [np.zeros_like(weight) for weight in weights]
    sizes = np.cumsum([weight.size for weight in weights])
    losses = []
    for _ in range(epochs):
        total = group.all_reduce(compute_gradient(weights, images[mine], labels[mine])) / len(images)
        losses.append(float(total[-1]))
        for index, part in enumerate(np.split(total, sizes)[:-1]):
            velocity[index] = 0.9 * velocity[index] - rate * part.reshape(velocity[index].shape)
            weights[index] = weights[index] + velocity[index]
    return weights, losses


def hash_weights(weights: list[np.ndarray]) -> str:
    return hashlib.sha256(b"".join(weight.tobytes() for weight in weights)).hexdigest()


def save_model(folder: str, weights: list[np.ndarray]) -> str:
    """Write the weights to `model.npz`, and give the file's SHA-256."""
    path = os.path.join(folder, "model.npz")
    np.savez(path, *weights)
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--learning-rate", type=float, default=0.5)
    parser.add_argument("--model", default="outputs", help="folder for the trained model")
    arguments = parser.parse_args()

    rank, world_size = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    address, port = os.environ.get("MASTER_ADDR", "127.0.0.1"), int(os.environ.get("MASTER_PORT", "0"))
    images, labels, test_images, test_labels = load_data()
    print(f"rank {rank} of {world_size} trains on {len(images[rank::world_size])} images", flush=True)
    with closing(Group(rank, world_size, address, port)) as group:
        weights, losses = train(group, images, labels, arguments.epochs, arguments.learning_rate)
        hashes = [text.decode() for text in group.gather(hash_weights(weights).encode())]
    if rank != 0:
        return

    with closing(Group(0, 1, address, port)) as alone:
        expected, _ = train(alone, images, labels, arguments.epochs, arguments.learning_rate)
    difference = max(float(abs(ours - theirs).max()) for ours, theirs in zip(weights, expected, strict=True))
    accuracy = float((predict(weights, test_images)[1].argmax(axis=1) == test_labels.argmax(axis=1)).mean())
    shown = [*range(0, arguments.epochs, max(1, arguments.epochs // 5)), arguments.epochs - 1]
    print(tabulate([(epoch + 1, losses[epoch]) for epoch in shown], headers=("epoch", "loss"), floatfmt=".4f"))
    print(f"accuracy {accuracy:.4f} on {len(test_images)} images that were not trained on")
    metrics = {
        "accuracy": accuracy,
        "world_size": world_size,
        "losses": losses,
        "weights_sha256_by_rank": hashes,
        "difference_from_one_process": difference,
        "model_sha256": save_model(arguments.model, weights),
    }
    os.makedirs("outputs", exist_ok=True)
    with open("outputs/metrics.json", "w", encoding="utf-8") as file:
        json.dump(metrics, file, indent=1)


if __name__ == "__main__":
    main()
