"""The end-weighted trend of a series: what was said last counts most."""

from collections.abc import Sequence


def trend(values: Sequence[float], *, decay: float = 0.6) -> float:
    """Change per turn: the slope of the least-squares line, in which each turn weighs `decay` times the one after it.

    The slope of a weighted regression is the weighted covariance of time and value over the weighted variance of time.

    >>> trend([0.1, 0.2, 0.3])
    0.1
    >>> trend([0.5])
    0.0
    """
    count = len(values)
    if count < 2:
        return 0.0
    weights = [decay ** (count - 1 - place) for place in range(count)]
    total = sum(weights)
    middle = sum(weight * place for place, weight in enumerate(weights)) / total
    mean = sum(weight * value for weight, value in zip(weights, values, strict=True)) / total
    covariance = sum(
        weight * (place - middle) * (value - mean)
        for place, (weight, value) in enumerate(zip(weights, values, strict=True))
    )
    variance = sum(weight * (place - middle) ** 2 for place, weight in enumerate(weights))
    return round(covariance / variance, 6)
