"""Made-up results of jobs, for what is told of them."""

from runner.sweep.record import JobResult


def finished(job: int, overrides: str, loss: float, accuracy: float = 0.5) -> JobResult:
    """A job that went well, in two epochs."""
    metrics = {
        "lr": 0.1,
        "best/epoch": 2,
        "test/loss": loss,
        "train/loss": loss / 2,
        "test/accuracy": accuracy,
    }
    return JobResult(
        job, overrides.split(), "FINISHED", None, f"run{job}", loss, metrics, curve=[2 * loss, loss]
    )


def failed(job: int, overrides: str, reason: str = "epoch 1: train/loss is nan") -> JobResult:
    """A job that did not."""
    return JobResult(job, overrides.split(), "FAILED", reason)
