"""Train a classifier of handwritten digits, tracked by MLflow's autolog and by azureml-core's Run, unchanged."""

from __future__ import annotations

import argparse
import json
import os

import mlflow
from azureml.core import Run
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import train_test_split

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=5)
epochs = parser.parse_args().epochs

run = Run.get_context()
run.tag("data", "digits")
mlflow.sklearn.autolog(log_models=False)

images, labels = load_digits(return_X_y=True)
parts = train_test_split(images / 16, labels, random_state=0)
train_images, test_images, train_labels, test_labels = parts
model = SGDClassifier(max_iter=1, tol=None, learning_rate="constant", eta0=0.01, random_state=0, warm_start=True)
with mlflow.start_run():
    mlflow.log_param("epochs", epochs)
    for epoch in range(epochs):
        model.fit(train_images, train_labels)
        accuracy = model.score(test_images, test_labels)
        run.log("accuracy", accuracy, step=epoch)
        mlflow.log_metric("test_accuracy", accuracy, step=epoch)

os.makedirs("outputs", exist_ok=True)
with open("outputs/result.json", "w", encoding="utf-8") as file:
    json.dump({"run_id": run.id, "accuracy": accuracy}, file)
