"""What a user would write without the runner: a script that trains once, with plain PyTorch and MLflow.

``python plain_script.py --lr=0.1 --beta=0.9 --seed=0``: 64-128-10 on the digits of scikit-learn; the last
line of stdout is the mean loss of the last epoch's batches.
"""

import argparse

import mlflow
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def load(batch_size: int) -> tuple[DataLoader[tuple[torch.Tensor, ...]], torch.Tensor, torch.Tensor]:
    """Batches to train on, and inputs and classes to test on."""
    x, y = load_digits(return_X_y=True)
    parts = train_test_split(x / 16, y, test_size=360, stratify=y, random_state=0)
    x_train, x_test = (torch.tensor(part, dtype=torch.float32) for part in parts[:2])
    y_train, y_test = (torch.tensor(part, dtype=torch.int64) for part in parts[2:])
    return DataLoader(TensorDataset(x_train, y_train), batch_size, shuffle=True), x_test, y_test


def main() -> None:
    """Train and track."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--beta", type=float, default=0.9)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--uri", default="sqlite:///outputs/mlflow.db")
    options = parser.parse_args()

    torch.manual_seed(options.seed)
    batches, x_test, y_test = load(batch_size=128)
    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
    rule = torch.optim.SGD(model.parameters(), options.lr, momentum=options.beta, dampening=options.beta)
    criterion = nn.CrossEntropyLoss()

    mlflow.set_tracking_uri(options.uri)
    mlflow.set_experiment("plain")
    with mlflow.start_run(run_name=f"lr={options.lr} beta={options.beta} seed={options.seed}"):
        mlflow.log_params(vars(options))
        for epoch in range(1, options.epochs + 1):
            total = 0.0
            for x, y in batches:
                rule.zero_grad()
                loss = criterion(model(x), y)
                loss.backward()
                rule.step()
                total += loss.item()
            with torch.no_grad():
                logits = model(x_test)
            metrics = {
                "train/loss": total / len(batches),
                "test/loss": criterion(logits, y_test).item(),
                "test/accuracy": (logits.argmax(1) == y_test).float().mean().item(),
            }
            mlflow.log_metrics(metrics, step=epoch)
    print(metrics["train/loss"])


if __name__ == "__main__":
    main()
