"""What is struck out of packets, and what is not."""

import re
import sys
import time
from pathlib import Path

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from benchmarks.redaction import UNSEEN, measured, read_forms, table
from rasa_emotion.errors import ConfigError
from rasa_emotion.handoff.folding import fold, plain
from rasa_emotion.handoff.packet import Line, Packet
from rasa_emotion.handoff.redact import MOST_NAMES, Redactor, Rules, redacted

RULES = Rules()
SPACES = ["", " ", "-", " - ", ".", "\u00a0", "\u2009", "\u200b", "  ", "/", ", ", "\n", "–"]


def struck(text: str, rules: Rules = RULES, names: tuple[str, ...] = ()) -> str:
    return Redactor(rules, names).text(text)


def luhn(digits: str) -> bool:
    # Written out once more, digit by digit, not taken from the package.
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


@st.composite
def written_cards(draw: st.DrawFn) -> str:
    """A number that passes the check, with anything that people put between digits."""
    body = draw(st.text("0123456789", min_size=10, max_size=17))
    first = draw(st.sampled_from("123456789"))
    digits = next(f"{first}{body}{last}" for last in "0123456789" if luhn(f"{first}{body}{last}"))
    gaps = draw(st.lists(st.sampled_from(SPACES), min_size=len(digits) - 1, max_size=len(digits) - 1))
    return digits[0] + "".join(gap + digit for gap, digit in zip(gaps, digits[1:], strict=True))


# Without signs of money: beside one, a number that is not as long as nearly all cards are is a sum.
WORDS = st.text(st.characters(exclude_categories=["Nd", "Cs"], exclude_characters="@+%$£€"), max_size=30)


@settings(max_examples=50)
@given(before=WORDS, card=written_cards(), after=WORDS)
@example("my card:", "4111 1111 1111 1111", "till 12/27")
@example("my card:", "4111 1111 1111 1111", "£ is what you owe me")
def test_no_card_number_survives_in_any_spacing(before: str, card: str, after: str) -> None:
    said = f"{before} {card} {after}"
    assume(not re.search(r"at .* dot ", said))  # that would be an address
    assert struck(said) == f"{before} [card number] {after}"


@settings(max_examples=50)
@given(WORDS)
def test_the_rest_is_as_it_was(text: str) -> None:
    assume(not re.search(r"at .* dot ", text))
    assert struck(text) == text


@settings(max_examples=50)
@given(st.text(alphabet=st.sampled_from("0123456789 -./+()@aAbB\n")))
def test_what_is_left_passes_no_check(text: str) -> None:
    for digits in re.findall(r"(?<![\d\s./+-])\d{12,19}(?![\d\s./-])", struck(text)):
        assert digits[0] == "0" or not luhn(digits)


@pytest.mark.parametrize(
    "number",
    [
        "4111 1111 1111 1112",  # the check digit is wrong
        "order 1234567",
        "2024-05-17",
        "01.02.2024",
        "192.168.10.1",
        "0.123456",
        "2023-2024",
        "10:30",
        "version 10.0.19045.3208",
        "ada@localhost",
        "DE88370400440532013000",
        "AB12 is my seat",
        "4111111111111111222233334",  # a longer row without a gap
    ],
)
def test_other_numbers_stay(number: str) -> None:
    assert struck(f"it is {number}") == f"it is {number}"


@pytest.mark.parametrize(
    "number",
    [
        "+49 171 2345678",
        "+49 (0)171 234-5678",
        "0049 171 2345678",
        "0171/2345678",
        "(030) 123456",
        "020 7946 0958",
        "06 12 34 56 78",
        "(555) 123-4567",
        "5551234567",
        "1-800-555-1234",
        "612 345 678",
        "98765 43210",
    ],
)
def test_phone_numbers(number: str) -> None:
    assert struck(f"call {number}, please") == "call [phone number], please"


@pytest.mark.parametrize("number", ["DE89 3704 0044 0532 0130 00", "gb82west12345698765432", "NO93-8601-1117-947"])
def test_bank_accounts(number: str) -> None:
    assert struck(f"to {number} today") == "to [IBAN] today"


@pytest.mark.parametrize("address", ["ada@example.org", "ada.l+bills@mail.example.co.uk", "Ada at Example dot org"])
def test_e_mail_addresses(address: str) -> None:
    assert struck(f"write to {address} ok") == "write to [e-mail address] ok"


def test_slots_that_are_named_as_secrets() -> None:
    slots = {"password": "marzipan", "user_pin": 4821, "opinion": "good", "shipping": "fast", "cvv": "123"}
    struck_out = Redactor(RULES).slots(slots)
    assert struck_out == {**slots, "password": "[secret]", "user_pin": "[secret]", "cvv": "[secret]"}
    assert Redactor(Rules.of({"keep": ["secret"]})).slots(slots)["password"] == "marzipan"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("card 4111 1111 1111 1111, 12/27, 123 ok", "card [card number] ok"),
        ("plus four four seven seven double zero nine double zero one two three", "[phone number]"),
        ("my PIN is four eight two one", "my PIN is [secret]"),
        ("order number 5551234567, call 5551234567", "order number 5551234567, call [phone number]"),
        ("born on 12 March 1980, moved on 12 March 1981", "born on [birth date], moved on 12 March 1981"),
        ("٠٧٧٠٠ ٩٠٠١٢٣ or ０７７００ ９００１２３", "[phone number] or [phone number]"),
    ],
)
def test_what_the_words_beside_it_make_of_a_number(said: str, kept: str) -> None:
    assert struck(said) == kept


@given(st.text(alphabet=st.sampled_from("0123456789oOl -,.onetwodubleandp٤７\n")))
def test_what_is_folded_leads_back_to_where_it_was(text: str) -> None:
    written = plain(text)
    assert len(written) == len(text)
    folded = fold(written)
    places = [folded.origin(place, place + 1) for place in range(len(folded.text))]
    assert all(0 <= start < end <= len(text) for start, end in places)
    assert places == sorted(places)
    for place, sign in enumerate(folded.text):
        start, end = places[place]
        assert sign == written[start] or end - start > 1 or sign in "01 "


def test_the_page_has_the_figures_of_the_written_sets(repository: Path) -> None:
    figures = table(measured(read_forms()), measured(read_forms(UNSEEN)))
    assert figures in (repository / "docs/handoff.md").read_text(encoding="utf-8")
    forms = read_forms()
    assert sum(form.goes for form in forms) >= 300
    assert sum(not form.goes for form in forms) >= 200
    right = {key: figures[0] / figures[1] for key, figures in measured(forms).items()}
    assert min(right.values()) > 0.95


def test_names_are_those_that_the_bot_was_told() -> None:
    assert struck("I am ada, Mrs Lovelace's sister Adam", names=("Ada Lovelace",)) == (
        "I am [name], Mrs [name]'s sister Adam"
    )


def test_what_people_may_see_stays() -> None:
    rules = Rules.of({"keep": ["phone", "iban"]})
    said = "+49 171 2345678 and DE89 3704 0044 0532 0130 00"
    assert struck(f"{said} and 4111111111111111", rules) == f"{said} and [card number]"


def test_own_patterns_come_first() -> None:
    rules = Rules.of({"patterns": {"customer number": r"\bK-\d{10}\b"}})
    assert struck("K-5551234567 or 5551234567", rules) == "[customer number] or [phone number]"


def test_values_of_any_kind() -> None:
    redactor = Redactor(Rules.of({"names_from_slots": ["first_name"]}), ["Ada"])
    slots = {
        "first_name": "Ada",
        "card": 4111111111111111,
        "years": 30,
        "more": ["Ada", {"mail": "a@b.org"}],
        "ok": True,
    }
    assert redactor.slots(slots) == {
        "first_name": "[name]",
        "card": "[card number]",
        "years": 30,
        "more": ["[name]", {"mail": "[e-mail address]"}],
        "ok": True,
    }
    assert redactor.counts == {"name": 2, "card number": 1, "e-mail address": 1}


def test_everything_that_people_read_is_redacted() -> None:
    mail = "ada@example.org"
    packet = Packet(
        *("key", "handover", "ada", "rest", "rule", f"wrote {mail}", "high", 1.0, f"said {mail}", "calm"),
        transcript=(Line("caller", mail), Line("bot", f"is it {mail}?")),
        slots={"mail": mail},
        form={"name": "form", "asked": None, "filled": {"mail": mail}},
    )
    clean = redacted(packet, RULES)
    assert mail not in str(clean.to_dict())
    assert clean.redacted == {"e-mail address": 6}


@pytest.mark.parametrize(
    "unit",
    [
        *["1", "1 ", "0 ", "1-", "123 ", "+1(", "@", "a@", "a@b.", "AB12 ", "a b 1 2 ", "a", "a at ", " dot bb", " "],
        *["one ", "oh", "O", "lO", "double ", "plus 1", "1 then ", "1<>", "1,and ", "٤", "1234 and "],
        *["(at) ", " a", "a-", "pin ", "pin is ", "password: ", "password is ", "passphrase a ", "born "],
        *["born on the ", "12 A ", "A Street ", "cvv 1"],
        *["passport a", "account ", "call 1 ", "order 555 123 4567 ", "e-mail is a ", "12/27 ", "Lindenstr. "],
    ],
)
def test_time_grows_with_the_length_alone(unit: str) -> None:
    text = f"a at b{unit * (100_000 // len(unit))}"

    def secs(part: str) -> float:
        start = time.process_time()
        Redactor(RULES, ["Ada"]).text(part)
        return time.process_time() - start

    # Ten times the text: ten times the time, where quadratic growth would take a hundred times whenever it is tried.
    assert any(secs(text) < 40 * max(secs(text[: len(text) // 10]), 0.005) for _ in range(4))


def test_a_page_in_a_slot_for_names_costs_no_more_than_names_do() -> None:
    page = " ".join(f"a{number}b" for number in range(20_000))
    redactor = Redactor(RULES, [page, "Ada Lovelace"])
    assert redactor._name is not None
    assert redactor._name.pattern.count("|") < MOST_NAMES
    assert redactor.text("I am Ada Lovelace, called Ada") == "I am [name], called [name]"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"kep": []}, "did you mean 'keep'"),
        ({"keep": ["phones"]}, "names 'phones'; choose from iban, card, email, card_detail"),
        ({"names_from_slots": "name"}, "give a list of names"),
        ({"patterns": ["x"]}, "give a mapping"),
        ({"patterns": {"x": 3}}, "give a regular expression"),
        ({"patterns": {"x": "["}}, "is not a regular expression"),
        ({"patterns": {"x": "a{0,3}"}}, "matches where nothing is"),
        ({"patterns": {"x": "a+"}}, r"may match more than 100 characters; write \{1,20\}"),
        ({"patterns": {"x": "(?:a|a){30}b"}}, "in too many ways"),
        ({"patterns": {"x": "a?" * 30 + "a{30}"}}, "in too many ways"),
        ({"patterns": {"x": "(?=.*x)a"}}, "in too many ways"),
        ({"patterns": {"[x]": "a"}}, "cannot be printed in brackets"),
    ],
)
def test_rules_that_cannot_be_used(options: dict, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        Rules.of(options)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python knows these expressions from 3.11 on")
@pytest.mark.parametrize("pattern", ["(?>(?:a|a){30})b", "(?:a|a){30}+b"])
def test_ways_are_counted_in_newer_expressions_too(pattern: str) -> None:
    with pytest.raises(ConfigError, match="in too many ways"):
        Rules.of({"patterns": {"x": pattern}})
