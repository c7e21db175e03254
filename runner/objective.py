"""Which way a metric is better."""


def lower_is_better(metric: str) -> bool:
    """Whether less of a metric is more: of ``test/loss`` it is, of ``test/accuracy`` it is not."""
    return metric.endswith("loss")
