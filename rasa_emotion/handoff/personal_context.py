"""What is personal because of the words before it: codes, passwords, birth dates, addresses, numbers of accounts.

And the other way round: numbers that are none of a person's, since the words beside them say so.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from rasa_emotion.handoff.folding import Span

_LINK = (
    r"(?:[\s:=#'’-]{0,3}\b(?:s|is|are|was|on|in|am|the|number|no|nr|code|date|id|lautet|ist|es|est|le|el|called|changed"
    r"|set|to|nummer)\b\.?){0,4}[\s:=#.]{0,3}"
)
"""What may stand between what something is called and what it is."""

_ROW = r"\d(?:[ -]{{0,2}}\d){{{least},{most}}}(?!\d)"


def _keyed(names: str, value: str, *, flags: int = re.IGNORECASE) -> "re.Pattern[str]":
    return re.compile(rf"(?<![^\W_])(?:{names}){_LINK}(?P<value>{value})", flags)


_MONTH = (
    r"(?:jan(?:uary|uar|vier)?|feb(?:ruary|ruar)?|mar(?:ch)?|märz|apr(?:il)?|may|mai|june?|juni|july?|juli|aug(?:ust)?"
    r"|sep(?:t|tember)?|o[ck]t(?:ober)?|nov(?:ember)?|de[cz](?:ember)?)\b"
)
_DATE = (
    r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}"
    rf"|\d{{1,2}}(?:st|nd|rd|th|\.)?\s{{1,2}}(?:of\s)?{_MONTH}(?:,?\s\d{{2,4}})?"
    rf"|{_MONTH}\s\d{{1,2}}(?:st|nd|rd|th)?,?(?:\s\d{{2,4}})?"
    rf"|[a-z]{{4,12}}(?:-[a-z]{{4,8}})?\s(?:of\s)?{_MONTH}(?:\s[a-z-]{{3,10}}){{0,2}}"
    r"|(?:19|20)\d\d(?!\d)"
)

_CODES = _keyed(
    r"cvv2?|cvc2?|card verification(?: code)?|security code|prüfziffer|digits on the back", _ROW.format(least=2, most=3)
)
_EXPIRY = _keyed(
    r"expir(?:y|es|ation)(?: date)?|exp|valid (?:until|thru|through|till)|gültig bis",
    rf"\d{{1,2}} ?[/-] ?\d{{2,4}}(?![\d/-])|{_MONTH}\s\d{{4}}",
)
_AFTER_CARD = re.compile(r"[,;\s]{0,3}(?:0[1-9]|1[0-2])[/-]\d\d(?:\d\d)?(?!\d)(?:[,;\s]{1,3}\d{3,4}(?!\d))?")
"""Date and code as they are read out behind a card's number."""

_PINS = _keyed(
    r"pin|passcode|otp|tan|one[ -]time (?:pass)?(?:code|word)|verification code|access code|login code|entry code",
    _ROW.format(least=2, most=9),
)
_NO_SECRET = (
    r"(?!(?:wrong|not|in\w+|expired|case|blocked|locked|broken|lost|an?|my|your|too|still|never|no|on|at|for|working|correct"
    r"|required|needed|being|very|this|that|it|what|so|also|always|already|too|reset|changed|set|accepted|please|the|to"
    r"|falsch|nicht|abgelaufen|gesperrt|was|is|and|or|but|does|did|has|cannot|can)(?!\w))"
)
_PASSWORDS = re.compile(
    r"(?<!\w)(?:pass ?word|passwort|kennwort|mot de passe|contraseña|pwd|memorable word|security answer|api key"
    r"|pass ?phrase)"
    rf"(?:\s?[:=]\s{{0,2}}|(?:['’]s|\s(?:is|was|ist|lautet|es|est))\s(?:(?:changed|set)\sto\s)?|\s(?=\S{{0,30}}\d))"
    rf"{_NO_SECRET}(?P<value>\S{{3,60}})"
    rf"|(?<!\w)pass ?phrase\s{_NO_SECRET}(?P<phrase>\w{{2,20}}(?:\s\w{{2,20}}){{1,5}})",
    re.IGNORECASE,
)

_BORN = _keyed(
    r"born|birth ?day|date of birth|birth ?date|dob|geboren|geburtsdatum|geburtstag|née?|nací|fecha de nacimiento",
    rf"(?:the\s|am\s)?(?:{_DATE})",
)

_STREET = (
    r"Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Close|Court|Ct|Square|Sq|Crescent|Way|Place|Terrace|Boulevard|Blvd"
    r"|Gardens|Grove|Hill|Row|Mews|Parade"
)
_POSTCODE = r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}(?![A-Za-z\d])"
_WHERE = re.compile(
    rf"(?<![\w.])(?:[Ff]lat \d{{1,4}}, )?\d{{1,5}}[a-zA-Z]? (?:(?:[A-Z][\w'’.-]{{1,20}} ){{1,3}}|The )"
    rf"(?:{_STREET})(?!\w)\.?"
    rf"(?:,? [A-Z][a-z]{{2,20}}(?: [A-Z][a-z]{{2,20}})?)?(?:,? (?:{_POSTCODE}|[A-Z]{{2}} \d{{5}}(?!\d)))?"
    r"|(?<!\w)[A-ZÄÖÜ][\wäöüß-]{1,30}(?:straße|strasse|str\.|weg|platz|allee|gasse) \d{1,4} ?[a-z]?(?!\w)"
    r"|(?<!\w)\d{1,4},? (?:bis )?(?:rue|avenue|boulevard|chemin) (?:de la |de |du |des )?[A-ZÉ]\w{1,20}"
    r"|(?<!\w)(?:[Cc]alle|[Aa]venida|[Pp]laza|[Vv]ia|[Vv]iale|[Cc]orso) [A-Z]\w{1,20} \d{1,4}(?!\w)"
    rf"|(?<![\w£$€]){_POSTCODE}"
)
_POST = _keyed(
    r"zip(?: code)?|post ?code|postal code|plz|p\.?o\.? box", r"\d{4,6}(?!\d)|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}(?!\w)"
)

_IDENTITY = _keyed(
    r"social security|ssn|national insurance|ni number|passport|driving licen[cs]e|driver'?s? licen[cs]e|tax id"
    r"|steuer-?id|nhs|id card|personalausweis",
    r"(?=(?:[a-z -]{0,8}\d){3})[a-z\d](?:[ -]?[a-z\d]){5,20}(?!\w)",
)
_SSN = re.compile(r"(?<![\d-])\d{3}-\d\d-\d{4}(?![\d-])")

_ACCOUNT = _keyed(r"account|a/c|acct|konto|kontonummer|sort code|routing|blz|bank code", _ROW.format(least=5, most=16))

_PHONE = _keyed(
    r"phone|mobile|cell|telephone|tel|whatsapp|handy|ring|call|reach me|my number|extension|text me",
    _ROW.format(least=5, most=14),
)


def _values(pattern: "re.Pattern[str]", text: str) -> Iterator[Span]:
    for match in pattern.finditer(text):
        group = "value" if match["value"] is not None else "phrase"
        yield match.span(group)


def card_details(text: str) -> Iterator[Span]:
    """Codes and dates of cards, where the words before them say so.

    >>> [text[start:end] for text in ["cvv is 123, expires 12/27"] for start, end in card_details(text)]
    ['123', '12/27']
    """
    yield from _values(_CODES, text)
    yield from _values(_EXPIRY, text)


def after_card(text: str, end: int) -> int:
    """Where date and code end that stand behind a card's number."""
    found = _AFTER_CARD.match(text, end)
    return found.end() if found else end


def secrets(text: str) -> Iterator[Span]:
    """Passwords, PINs and one-time codes, where the words before them say so."""
    yield from _values(_PINS, text)
    yield from _values(_PASSWORDS, text)


def birth_dates(text: str) -> Iterator[Span]:
    """Dates of birth, where the words before them say so; other dates are none."""
    yield from _values(_BORN, text)


def addresses(text: str) -> Iterator[Span]:
    """Houses in streets as English, German, French, Spanish and Italian write them, and British postcodes."""
    for match in _WHERE.finditer(text):
        yield match.span()
    yield from _values(_POST, text)


def identities(text: str) -> Iterator[Span]:
    """Numbers of passports, licences, insurances and taxes, where the words before them say so."""
    yield from _values(_IDENTITY, text)
    for match in _SSN.finditer(text):
        yield match.span()


def accounts(text: str) -> Iterator[Span]:
    """Account numbers without a check digit, where the words before them say so."""
    yield from _values(_ACCOUNT, text)


def said_phones(text: str) -> Iterator[Span]:
    """Numbers that only the words before them make phone numbers."""
    yield from _values(_PHONE, text)


MOST_GROUPS = 20
"""What counts on has no more groups, and no more digits in one."""

BEFORE = 48
"""Characters before a number that are looked at."""

_OF_A_THING = re.compile(
    r"(?<![^\W_])(?:order|ticket|invoice|serial|s/n|tracking|parcel|shipment|reference|ref|case|contract|customer|meter|article"
    r"|ean|isbn|model|part|booking|flight|policy|claim|quote|version|bestellung|bestellnummer|rechnung|vertrag|kunden"
    r"|sendung|auftrag|incident|error|code)(?:-?nummer|number)?"
    r"(?:[\s:#.-]{0,3}\b(?:number|no|nr|id|code|is|was|reading|of|the|nummer)\b\.?){0,3}[\s:#.-]{0,3}$",
    re.IGNORECASE,
)
_MONEY_BEFORE = re.compile(r"(?:€|\$|£|(?<!\w)(?:eur|usd|gbp|chf|rs\.?))\s?$", re.IGNORECASE)
_MONEY_AFTER = re.compile(
    r"\s?(?:€|\$|£|%|(?:euros?|dollars?|pounds?|rupees|people|kr|eur|usd|gbp|chf|twice|times)(?!\w))", re.IGNORECASE
)


def of_a_thing(text: str, start: int, end: int) -> bool:
    """Whether the words beside a number say that it is an order's, a sum, or the like.

    >>> of_a_thing("order number 5551234567", 13, 23)
    True
    """
    before = text[max(0, start - BEFORE) : start]
    return bool(_OF_A_THING.search(before) or _MONEY_BEFORE.search(before) or _MONEY_AFTER.match(text, end))


def counts_on(groups: list[str], *, same: bool = True) -> bool:
    """Whether groups of digits are a row such as 20 25 30 35, each as far from the next.

    Args:
        groups: the digits.
        same: whether it is one too where all of them are the same.

    >>> counts_on(["20", "25", "30", "35"]), counts_on(["06", "12", "34", "56"])
    (True, False)
    """
    if not 3 <= len(groups) <= MOST_GROUPS or max(map(len, groups)) > MOST_GROUPS:  # also for the time that it takes
        return False
    numbers = [int(group) for group in groups]
    steps = {after - before for before, after in pairwise(numbers)}
    return len(steps) == 1 and (same or steps != {0}) and not groups[0].startswith("0")
