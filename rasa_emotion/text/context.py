"""Earlier turns before an utterance, as tokens: for training and at run time alike.

The utterance stays whole as long as it fits alone; what does not fit of the earlier turns is cut from the oldest on.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Tokens:
    """Token ids of an utterance with its earlier turns.

    Args:
        ids: `[CLS] turn [SEP] turn [SEP] utterance [SEP]`, with as many turns as fit, the oldest of them cut.
        start: position of the utterance's first token.
    """

    ids: tuple[int, ...]
    start: int


def join_turns(
    utterance: Sequence[int], earlier: Sequence[Sequence[int]] = (), *, cls: int, sep: int, max_tokens: int
) -> Tokens:
    """Put earlier turns before an utterance.

    A DistilBERT has no token types; the separator alone says where a turn ends.

    Args:
        utterance: token ids without special ones.
        earlier: those of each earlier turn, the oldest first.
        cls: the id of [CLS].
        sep: the id of [SEP].
        max_tokens: at most so many tokens, special ones included.

    >>> join_turns([7, 8], [[1, 2], [3]], cls=101, sep=102, max_tokens=8)
    Tokens(ids=(101, 2, 102, 3, 102, 7, 8, 102), start=5)
    """
    kept = list(utterance[: max_tokens - 2])
    room = max_tokens - 2 - len(kept)
    before = [token for turn in earlier if turn for token in (*turn, sep)]
    before = before[len(before) - room :] if len(before) > room else before
    if before[:1] == [sep]:  # nothing is left of the oldest turn but its end
        before = before[1:]
    return Tokens((cls, *before, *kept, sep), 1 + len(before))
