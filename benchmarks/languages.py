"""The two libraries that tell languages, side by side.

    python benchmarks/languages.py ../shared/data/text/*_train.tsv

prints, of the English texts of each file, how many lack enough known words to be asked about and how many of those
each library calls another language; of tests/data/languages.tsv, how many texts in other languages each one notices;
and the milliseconds a text. Both libraries and numpy 2 are needed: pip install pycld2 'py3langid>=0.4'.
"""

import csv
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer

from rasa_emotion.errors import TextError
from rasa_emotion.model_folder import shipped_models
from rasa_emotion.text import cleaning, detector

KEPT = {"en", "sco", detector.UNDECIDED}
LIBRARIES = {"pycld2": detector.by_cld2, "py3langid": detector.by_langid}
ROW = "{:32} {:>7} {:>7} {:>9} {:>10}"


def asked_about(texts: Iterable[str]) -> list[str]:
    """The texts about whose language a detector is asked."""
    tokenizer = Tokenizer.from_file(str(shipped_models() / "text" / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    asked: list[str] = []
    cleaning.foreign_language = asked.append  # type: ignore[assignment]
    for text in texts:
        try:
            cleaned = cleaning.clean(text)
        except TextError:
            continue
        encoding = tokenizer.encode(cleaned)
        cleaning.measure(cleaned, encoding.tokens, encoding.word_ids)
    return asked


def noticed(texts: list[str]) -> list[int]:
    """How many of the texts each library calls another language."""
    return [sum(language_of(text) not in KEPT for text in texts) for language_of in LIBRARIES.values()]


def main(files: list[str]) -> None:
    print(ROW.format("English texts", "texts", "asked", *LIBRARIES))
    for name in files:
        with Path(name).open(encoding="utf-8", newline="") as stream:
            texts = [
                row["text"] for row in csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE) if "text" in row
            ]
        if texts:
            asked = asked_about(texts)
            print(ROW.format(Path(name).stem, len(texts), len(asked), *noticed(asked)))
    with Path("tests/data/languages.tsv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    print(ROW.format("languages.tsv", "texts", "asked", *LIBRARIES))
    for title, english in (("English", True), ("other languages", False)):
        texts = [row["text"] for row in rows if (row["language"] == "en") is english]
        print(ROW.format(f"{title}, all", len(texts), "", *noticed(texts)))
        asked = asked_about(texts)
        print(ROW.format(f"{title}, asked about", "", len(asked), *noticed(asked)))
    texts = [row["text"] for row in rows]
    for name, language_of in LIBRARIES.items():
        language_of(texts[0])
        begun = time.perf_counter()
        for text in texts:
            language_of(text)
        print(f"{name}: {1000 * (time.perf_counter() - begun) / len(texts):.3f} ms a text")


if __name__ == "__main__":
    main(sys.argv[1:])
