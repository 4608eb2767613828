"""The end-weighted trend of a series: what was said last counts most."""

from collections.abc import Sequence

DECAY = 0.6
"""A turn weighs this much less than the turn after it."""


def trend(values: Sequence[float], *, weights: Sequence[float] | None = None) -> float:
    """Change per turn: the slope of the least-squares line, in which each turn weighs `DECAY` times the one after it.

    The slope of a weighted regression is the weighted covariance of time and value over the weighted variance of time.

    Args:
        values: one a turn, oldest first.
        weights: what each turn weighs besides, such as its confidence; all the same by default.

    >>> trend([0.1, 0.2, 0.3])
    0.1
    >>> trend([0.5])
    0.0
    """
    last = len(values) - 1
    shares = [DECAY ** (last - place) for place in range(len(values))]
    if weights is not None:
        shares = [share * weight for share, weight in zip(shares, weights, strict=True)]
    total = sum(shares)
    if last < 1 or not total:
        return 0.0
    middle = sum(share * place for place, share in enumerate(shares)) / total
    mean = sum(share * value for share, value in zip(shares, values, strict=True)) / total
    covariance = variance = 0.0
    for place, (share, value) in enumerate(zip(shares, values, strict=True)):
        covariance += share * (place - middle) * (value - mean)
        variance += share * (place - middle) ** 2
    return round(covariance / variance, 6) if variance else 0.0
