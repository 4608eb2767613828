"""Which of a bot's own intents are callers who ask for a human."""

import re
from collections.abc import Iterable

# English, and what other languages' bots call theirs.
_ENOUGH = "handoff handover handoffs escalate escalation human operator livechat mensch humano humain"
_PEOPLE = """
    human humans person agent operator representative rep advisor adviser colleague someone somebody people staff
    employee consultant mensch mitarbeiter mitarbeiterin berater kundenberater kollege humano agente persona humain
    conseiller personne operatore medewerker mens
"""
_OTHERS = """
    ask asks request requests want wants need needs get call connect contact talk talking speak speaking chat reach
    transfer trigger hand off over to a an the with for me my please real live actual customer customers service support
    care center centre sprechen reden mit einem einer wunsch hablar con un una parler avec parlare spreken met
"""
_ALONE, _WHO, _AND = (frozenset(words.split()) for words in (_ENOUGH, _PEOPLE, _OTHERS))
_WORD = re.compile(r"[^\W\d_]+")
_CAMEL = re.compile(r"(?<=[a-zäöüéàèñ])(?=[A-Z])")


def asks_for_a_human(intent: str) -> bool:
    """Whether an intent's name says that the caller wants a human.

    Every word of the name must fit, since a wrong guess would hand callers over: `are_you_human` does not ask for one.

    >>> [name for name in ("human_handoff", "TalkToAgent", "are_you_human", "ask_agent_name") if asks_for_a_human(name)]
    ['human_handoff', 'TalkToAgent']
    """
    words = [word.casefold() for word in _WORD.findall(_CAMEL.sub("_", intent))]
    fits = all(word in _ALONE | _WHO | _AND for word in words)
    joined = {"hand" + end for end in ("off", "over") if {"hand", end} <= set(words)}
    wanted = _ALONE & {*words, *joined} or (len(words) > 1 and _WHO & set(words) and _AND & set(words))
    return bool(words) and fits and bool(wanted)


def handoff_intents(intents: Iterable[str]) -> list[str]:
    """Those of a domain's intents with which callers ask for a human, in order.

    >>> handoff_intents(["greet", "speak_to_agent"])
    ['speak_to_agent']
    """
    return [intent for intent in intents if asks_for_a_human(intent)]
