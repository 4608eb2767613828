"""A text in sentences, with an eye on what has a full stop but ends none: abbreviations, numbers, addresses."""

import re

CLOSING = r"[\"'”’»)\]）」』]*"
"""Pattern of the quotes and brackets that may follow the mark at a sentence's end."""

# The end of a sentence; East Asian languages put no space behind it; and a line of its own. Each run of marks is tried
# once, so that the time stays linear in whatever a caller may have put into a slot.
_END = re.compile(rf"(?:(?<![.!?…])[.!?…]+{CLOSING}(?=\s|$)|[。！？]+{CLOSING}|\n+)\s*")
_LONGEST_WORD = 64
_QUESTION = re.compile(rf"[?？]{CLOSING}\s*$")

# What is written with a full stop and often followed by a capital or a number: single letters, what has a full stop
# inside ("e.g.", "z.B."), and the words below.
_ABBREVIATION = re.compile(
    r"""
    [^.] | .*\..*
    | mrs? | ms | dr | prof | rev | st | [js]r | tel | ext | fax | vs | approx | dept | inc | ltd | co | corp | vol
    | etc | jan | feb | mar | apr | jun | jul | aug | sept? | oct | nov | dec | tue | wed | thu | fri
    | hr | fr | nr | str | dipl | ing | ca | bzw | usw | evtl | ggf | inkl | zzgl | okt | dez | sr?as?
    | dra | mme | mlle
    """,
    re.VERBOSE | re.IGNORECASE,
)
_LAST_WORD = re.compile(r"(?:^|[\s(\[\"'“„«])([^\W\d_]+(?:\.[^\W\d_]+)*)\.$")


def sentences(text: str) -> list[str]:
    """The sentences of a text, each with the space behind it: joined, they are the text again.

    A full stop behind an abbreviation ends no sentence, nor does one that a small letter follows.

    >>> sentences("Dr. Wu is in. Call 3.5 hours later? Thanks!")
    ['Dr. Wu is in. ', 'Call 3.5 hours later? ', 'Thanks!']
    """
    found, start = [], 0
    for match in _END.finditer(text):
        if _ends(text[max(start, match.start() - _LONGEST_WORD) : match.end()], text[match.end() : match.end() + 1]):
            found.append(text[start : match.end()])
            start = match.end()
    return [*found, text[start:]] if text[start:] else found


def is_question(sentence: str) -> bool:
    """Whether a sentence ends in a question mark, whatever quotes and brackets follow."""
    return bool(_QUESTION.search(sentence))


def _ends(before: str, after: str) -> bool:
    """Whether a sentence ends between what stands before and the one character after."""
    bare = before.rstrip()
    if "\n" in before[len(bare) :] or not after:
        return True
    if bare.endswith(("...", "…")) and after.islower():
        return False
    word = _LAST_WORD.search(bare)
    return word is None or not (_ABBREVIATION.fullmatch(word[1]) or after.islower())
