"""The two libraries that tell languages, side by side.

    python benchmarks/languages.py ../shared/data/text/*_train.tsv

prints, of the English texts of each file, how many lack enough known words to be asked about and how many of those
each library calls another language; of tests/data/languages.tsv, how many texts in other languages each one notices;
and the milliseconds a text. To see both, with numpy 2: pip install pycld2 'py3langid>=0.4'. Of one that is not
installed nothing is said.
"""

import csv
import time
from collections.abc import Callable, Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tokenizers import Tokenizer

from benchmarks.figures import around, machine, median, table
from benchmarks.printing import interval, parser, run
from rasa_emotion.errors import TextError
from rasa_emotion.model_folder import shipped_models
from rasa_emotion.text import cleaning, detector

KEPT = {"en", "sco", detector.UNDECIDED}
LIBRARIES = {
    name: language_of
    for name, language_of in {"pycld2": detector.by_cld2, "py3langid": detector.by_langid}.items()
    if find_spec(name)
}
WRITTEN = Path(__file__).resolve().parents[1] / "tests" / "data" / "languages.tsv"


def asked_about(texts: Iterable[str]) -> list[str]:
    """The texts about whose language a detector is asked."""
    tokenizer = Tokenizer.from_file(str(shipped_models() / "text" / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    asked: list[str] = []
    with patch.object(cleaning, "foreign_language", asked.append):
        for text in texts:
            try:
                cleaned = cleaning.clean(text)
            except TextError:
                continue
            encoding = tokenizer.encode(cleaned)
            cleaning.measure(cleaned, encoding.tokens, encoding.word_ids)
    return asked


def noticed(texts: list[str]) -> dict[str, int]:
    """How many of the texts each library calls another language."""
    return {name: sum(of(text) not in KEPT for text in texts) for name, of in LIBRARIES.items()}


def measure(files: list[str]) -> dict[str, Any]:
    """How many texts each library calls another language, and the milliseconds a text.

    Args:
        files: tables with a column `text`, of English texts.
    """
    made_on = machine(("numpy", "pycld2", "py3langid"))
    sets: dict[str, dict[str, Any]] = {}

    def count(name: str, texts: list[str]) -> None:
        asked = asked_about(texts)
        sets[name] = {"texts": len(texts), "asked": len(asked), "noticed": noticed(texts), "of_asked": noticed(asked)}

    for name in files:
        with Path(name).open(encoding="utf-8", newline="") as stream:
            table_ = csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
            texts = [row["text"] for row in table_ if "text" in row]
        if texts:
            count(f"{Path(name).stem}, English", texts)
    with WRITTEN.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    for title, english in (("English", True), ("other languages", False)):
        count(f"languages.tsv, {title}", [row["text"] for row in rows if (row["language"] == "en") is english])
    texts = [row["text"] for row in rows]
    return {
        "machine": made_on,
        "sets": sets,
        "ms_a_text": {name: median(spent(of, texts)) for name, of in LIBRARIES.items()},
    }


def spent(language_of: Callable[[str], object], texts: list[str]) -> list[float]:
    """Milliseconds of each text, after one that does not count."""
    language_of(texts[0])
    found = []
    for text in texts:
        begun = time.perf_counter()
        language_of(text)
        found.append(1000 * (time.perf_counter() - begun))
    return found


def markdown(found: Mapping[str, Any]) -> str:
    """The figures as a section of a document."""
    heads = [
        "texts",
        "number",
        "asked about",
        *(f"{name}, of {of}" for of in ("all", "those asked about") for name in LIBRARIES),
    ]
    rows = [
        [name, row["texts"], row["asked"], *(row[of][one] for of in ("noticed", "of_asked") for one in LIBRARIES)]
        for name, row in found["sets"].items()
    ]
    times = [[name, interval(row, 3), f"{row['p95']:.3f}"] for name, row in found["ms_a_text"].items()]
    said = f"Texts that each library calls another language than English. {around(found['machine'])}"
    return f"{said}\n\n{table(heads, rows)}\n\n{table(['library', 'a text, ms', 'p95, ms'], times)}"


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("files", nargs="*", help="tables of English texts, with a column 'text'")
    run(arguments, lambda options: measure(options.files), markdown)


if __name__ == "__main__":
    main()
