"""Whether a reply is cheerful: then no acknowledgement of anger, sadness or fear may stand before it."""

import re

# English, and the languages of Rasa's larger communities. A word too many costs an acknowledgement, which is due again
# with the next reply; one that is missing makes a bot say "I can hear that this is annoying. Great, carry on!"
_WORDS = """
    great awesome amazing wonderful fantastic excellent brilliant perfect lovely superb super splendid terrific fabulous
    marvelous marvellous cool nice hooray hurray yay woohoo congratulations congrats cheers enjoy glad happy pleased
    delighted thrilled welcome fun
    toll klasse prima wunderbar perfekt fantastisch großartig herrlich hervorragend ausgezeichnet schön freut freue
    freuen gern gerne glückwunsch hurra spaß
    génial parfait formidable merveilleux ravi bravo félicitations heureux chouette
    genial perfecto estupendo fantástico excelente maravilloso felicidades encantado encantada alegra alegro
    ottimo perfetto fantastico benissimo eccellente meraviglioso congratulazioni felice
    geweldig fijn uitstekend gefeliciteerd leuk
    ótimo perfeito maravilhoso parabéns
"""
_PHRASES = r"my pleasure|(?:good|great) (?:news|to hear|job)|well done|sounds good|that(?:'s|’s| is) good|have a good"
_CHEERFUL = re.compile(
    rf"\b(?:{'|'.join(_WORDS.split())}|{_PHRASES})\b|[\U0001F600-\U0001F60E\U0001F642\U0001F929\U0001F970\U0001F973"
    r"\U0001F389\U0001F38A\U0001F44D\U0001F44F\U0001F64C\u2728\u263A]|(?:(?<=\s)|^)[:;=]-?[)D](?=\s|$)",
    re.IGNORECASE,
)
_SORRY = re.compile(
    r"\b(?:sorry|apolog\w+|unfortunately|regret|afraid|leider|entschuldig\w+|désolée?|malheureusement|siento|lamento|"
    r"lamentablemente|dispiace|purtroppo|helaas|spijt|desculp\w+|infelizmente)\b",
    re.IGNORECASE,
)


def is_cheerful(text: str) -> bool:
    """Whether a text sounds glad; one that also says sorry does not.

    >>> is_cheerful("Great, carry on!"), is_cheerful("I am sorry that it is not great."), is_cheerful("Which line?")
    (True, False, False)
    """
    return bool(_CHEERFUL.search(text)) and not _SORRY.search(text)
