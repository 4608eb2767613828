"""Where a text holds card numbers, bank accounts, e-mail addresses and phone numbers.

Every finder takes time in proportion to the length of the text, whatever a caller writes into it, and yields the spans
`(start, end)` of what it found. Numbers are looked for in whatever groups they were written or dictated, but not inside
a longer row of digits without a gap.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate
from types import MappingProxyType

from rasa_emotion.handoff import personal_context as context
from rasa_emotion.handoff.folding import DIGIT_WORD, Span, fold, plain

CARD_DIGITS = range(12, 20)
"""Digits of a payment card: ISO/IEC 7812 allows up to 19, Maestro's shortest have 12."""

PHONE_DIGITS = 15
"""Most digits of an international phone number (E.164)."""

_ISSUED = (15, 16)
"""Digits of nearly all cards: a number of another length that is said to be an order's is one."""

# What may stand between two digits of a card: spaces of any kind, also of no width, and the usual signs.
_BETWEEN = r"[\s\-‐‑‒–—−.,/_·•\u00ad\u200b-\u200d\u2060\ufeff]"
_DIGITS = re.compile(rf"\d(?:{_BETWEEN}{{0,5}}\d){{{CARD_DIGITS[0] - 1},}}")
_GROUP = re.compile(r"\d+")


def cards(text: str) -> Iterator[Span]:
    """Numbers of 12 to 19 digits that pass the Luhn check, in any groups.

    None begins with 0, and where a + stands before it, it is too long for a phone number.

    One number of ten passes by chance, so that one in ten long order numbers is taken for a card.

    >>> list(cards("it is 4111-1111 1111 1111, till 12/27"))
    [(6, 25)]
    """
    for row in _DIGITS.finditer(text):
        # Where each group begins and ends, in the text and as a number of digits.
        spans = [group.span() for group in _GROUP.finditer(text, *row.span())]
        if context.counts_on([text[start:end] for start, end in spans], same=False):
            continue
        edges = [0, *accumulate(end - start for start, end in spans)]
        sums = _luhn_sums([int(digit) for start, end in spans for digit in text[start:end]])
        for first, (start, _) in enumerate(spans):
            most = PHONE_DIGITS if text[start - 1 : start] == "+" else 0
            if not int(text[start]):
                continue
            for last in range(first, len(spans)):
                count = edges[last + 1] - edges[first]
                if count > CARD_DIGITS[-1]:
                    break
                if count > most and count in CARD_DIGITS and _passes(sums, edges[first], edges[last + 1]):
                    end = spans[last][1]
                    if count in _ISSUED or not context.of_a_thing(text, start, end):
                        yield start, context.after_card(text, end)


def _luhn_sums(digits: list[int]) -> tuple[list[int], list[int]]:
    """Sums of the first so many digits, in which those at even or at odd places were doubled."""

    def sums(parity: int) -> list[int]:
        counted = (digit * 2 - 9 * (digit > 4) if place % 2 == parity else digit for place, digit in enumerate(digits))
        return [0, *accumulate(counted)]

    return sums(0), sums(1)


def _passes(sums: tuple[list[int], list[int]], start: int, end: int) -> bool:
    """Whether the last digit of these is the check digit of those before it (ISO/IEC 7812-1, annex B)."""
    of_row = sums[end % 2]  # the last digit, at the place `end - 1`, is not doubled
    return (of_row[end] - of_row[start]) % 10 == 0


_GAP = r"[\s./,_-]{0,2}"
_IBAN = re.compile(rf"(?<![A-Za-z0-9])(?=([A-Za-z]{_GAP}[A-Za-z]{_GAP}[0-9]{_GAP}[0-9](?:{_GAP}[A-Za-z0-9]){{11,30}}))")
_SHIFT = 10**6


def ibans(text: str) -> Iterator[Span]:
    """Account numbers of 15 to 34 characters whose remainder by 97 is 1 (ISO 13616, ISO 7064), in any groups and case.

    >>> list(ibans("to DE89 3704 0044 0532 0130 00 please"))
    [(3, 30)]
    """
    done = 0
    for match in _IBAN.finditer(text):
        if match.start() >= done:
            end = _iban_end(text, *match.span(1))
            if end is not None:
                yield match.start(), end
                done = end


def _iban_end(text: str, start: int, stop: int) -> int | None:
    """Where the longest account number ends that begins at `start`, at the end of a word and before `stop`."""
    signs = [(place, text[place]) for place in range(start, stop) if text[place].isalnum()]
    # The first four signs go last, and letters count as 10 to 35.
    head = int("".join(str(int(sign, 36)) for _, sign in signs[:4]))
    rest, found = 0, None
    for count, (place, sign) in enumerate(signs[4:], start=5):
        value = int(sign, 36)
        rest = (rest * (100 if value > 9 else 10) + value) % 97
        at_end = not text[place + 1 : place + 2].isalnum()
        if at_end and count >= 15 and (rest * _SHIFT + head) % 97 == 1:
            found = place + 1
    return found


# Bounded on both sides, so that a long text without a single address takes no longer than one with many.
_LOCAL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}\Z")
_DOMAIN = re.compile(r"(?<=[\w.!#$%&'*+/=?^`{|}~-])@([\w-]{1,63}(?:\.[\w-]{1,63}){1,8})")
_AT = r"(?:\s{0,2}[@]\s{0,2}|\s{0,2}[(\[{]\s?(?:at|ät)\s?[)\]}]\s{0,2}|\s(?:at|ät|arobase|arroba)\s)"
_DOT = r"(?:\s{0,2}[(\[{]\s?dot\s?[)\]}]\s{0,2}|\s(?:dot|punkt|point|punto)\s|\.|\s\.\s)"
_MARK = r"(?:\s(?:dot|punkt|point|punto|underscore|dash|minus|hyphen|plus|unterstrich|bindestrich)\s)"
_DICTATED = re.compile(
    # Letters and digits one by one, before the last part.
    rf"(?<![\w.+-])(?:(?:\w|{DIGIT_WORD})\s){{0,12}}"
    rf"[\w.+-]{{1,64}}(?:{_MARK}[\w+-]{{1,64}}|\s(?:{DIGIT_WORD})(?!\w)){{0,6}}{_AT}"
    rf"(?!(?:the|an?|this|that|my|your|our|his|her)\s)[\w-]{{1,63}}(?:{_MARK}[\w-]{{1,63}}){{0,2}}?"
    rf"{_DOT}(?:[\w-]{{1,63}}{_DOT}){{0,3}}(?!(?:{DIGIT_WORD})(?!\w))[^\W\d_]{{2,24}}(?!\w)",
    re.IGNORECASE,
)
_WHOSE = re.compile(r"(?:e-?mail|mail|address)(?:\saddress)?\s(?:is|ist|:)\s((?:\w{1,20}\s){1,4})$", re.IGNORECASE)
"""What is said of an address before its last word, where it is clear that it begins there."""


def emails(text: str) -> Iterator[Span]:
    """E-mail addresses, also as a recogniser of speech writes them: "ada at example dot org".

    >>> list(emails("write to ada@example.org, or ada at example dot org"))
    [(9, 24), (29, 51)]
    """
    for domain in _DOMAIN.finditer(text):
        local = _LOCAL.search(text[max(0, domain.start() - 64) : domain.start()])
        yield domain.start() - len(local[0] if local else ""), domain.end()
    for match in _DICTATED.finditer(text):
        before = _WHOSE.search(text[max(0, match.start() - 100) : match.start()])
        yield match.start() - len(before[1] if before else ""), match.end()


_SIGN = r"[ \t\u00a0\u2009\u202f./()‑–-]"
_PHONE = re.compile(
    rf"""
    # International, with two more digits for a leading 00.
    \+\(?\d(?:{_SIGN}{{0,3}}\d){{6,14}}(?!\d)
    | (?<!\d)(?<!\d\.)\(?00(?:{_SIGN}{{0,3}}\d){{6,15}}(?!\d)
    # National with a leading 0; no date, and nothing between 0 and 1.
    | (?<!\d)(?<!\d\.)\(?
      (?!\d\d?([./-])\d\d?\1(?:19|20)\d\d(?!\d)) (?!\d\d?[./\ -]\d\d?[./\ -](?:\d{{4}}|\d\d)(?![./\ -]?\d)) (?!0\.)
      0(?:{_SIGN}{{0,3}}\d){{6,12}}(?!\d)
    # National without one: North America, India, and Spain, Poland, Denmark, Norway, China, Italy.
    | (?<![\d+])(?<!\d\.)(?:1[ .-]?)?\(?[2-9]\d\d\)?[ .-]{{0,2}}\d{{3}}[ .-]?\d{{4}}(?!\d)
    | (?<![\d+])(?<!\d\.)\d{{5}}[ -]\d{{5}}(?![ -]?\d)
    # With the area in brackets, or digit by digit, as it is dictated.
    | (?<![\d+])(?:8[ ])?\(\d{{2,4}}\)(?:{_SIGN}{{0,2}}\d){{6,9}}(?!\d)
    | (?<!\d)(?<!\d[ ])\d(?:[ ]\d){{6,14}}(?![ ]?\d)
    | (?<![\d+])(?<!\d\.)(?!\d{{4}}([ -])\d\d\2\d\d(?!\d))
      (?=\d(?:[ -]?\d){{7,10}}(?![ -]?\d)) \d{{2,5}}(?:[ -]\d{{2,4}}){{2,4}}(?!\d)
    """.replace("[ ", r"[\ "),
    re.VERBOSE,
)


def phones(text: str) -> Iterator[Span]:
    """Phone numbers: international ones after + or 00, national ones after 0, and those in the groups that are usual
    where there is no 0. A row of digits that says neither may be any number, and is left.

    >>> found = "+49 (171) 234-5678, 0171/2345678 or 612 345 678, on 2024-05-17"
    >>> [found[start:end] for start, end in phones(found)]
    ['+49 (171) 234-5678', '0171/2345678', '612 345 678']
    """
    for match in _PHONE.finditer(text):
        start, end = match.span()
        international = text[start : start + 1] == "+"
        if not international and (context.of_a_thing(text, start, end) or context.counts_on(_GROUP.findall(match[0]))):
            continue
        yield start, end
    yield from context.said_phones(text)


def _folding(find: Callable[[str], Iterator[Span]]) -> Callable[[str], Iterator[Span]]:
    """The same finder, which also finds what was spelled, dictated, or written with other digits."""

    def found(text: str) -> Iterator[Span]:
        written = plain(text)
        yield from find(written)
        folded = fold(written)
        if folded.text != written:
            for start, end in find(folded.text):
                yield folded.origin(start, end)

    return found


FINDERS: Mapping[str, tuple[str, Callable[[str], Iterator[Span]]]] = MappingProxyType(
    {
        "iban": ("IBAN", _folding(ibans)),
        "card": ("card number", _folding(cards)),
        "email": ("e-mail address", lambda text: emails(plain(text))),
        "card_detail": ("card detail", _folding(context.card_details)),
        "secret": ("secret", _folding(context.secrets)),
        "identity": ("identity number", _folding(context.identities)),
        "account": ("account number", _folding(context.accounts)),
        "phone": ("phone number", _folding(phones)),
        "birth_date": ("birth date", lambda text: context.birth_dates(plain(text))),
        "address": ("address", lambda text: context.addresses(plain(text))),
    }
)
"""What each kind is called where it is struck out, and who finds it. Where two find the same, the first names it."""
