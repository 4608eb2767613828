"""Writes the comparison with the published systems: every figure in it comes from a file that a recipe wrote.

python -m research.comparison.page docs --models models/acoustic
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template

from rasa_emotion.evaluation.markdown import NONE, p_value, percent, table, wrapped
from rasa_emotion.evaluation.metrics import accuracy, bootstrap, macro_f1, unweighted_accuracy
from rasa_emotion.evaluation.plots import Spread, leaks
from research.comparison.shipped import CONDITIONS, Shipped, compare, read_shipped
from research.comparison.systems import (
    AUGMENTED,
    CORPUS,
    LANGUAGE,
    RANDOM,
    SPEAKER,
    Measured,
    System,
    read_answers,
    read_systems,
)
from research.systems.results import RESULTS

DOCUMENT, PLOT = "comparison.md", "comparison.svg"
TEMPLATE = Path(__file__).parent / "comparison.template.md"
NOT_YET = "No system has been scored yet."
CLASSES = {"four": 4, "eight": 8, "thirteen": 13, "sixteen": 16}


def document(systems: Sequence[System], shipped: Shipped) -> str:
    """The comparison in Markdown."""
    template = Template(TEMPLATE.read_text(encoding="utf-8"))
    at_home = [system for system in systems if _at_home(system)]
    return template.substitute(
        headline=_headline(systems, shipped),
        table=_systems_table(at_home, shipped),
        earlier_turns=_earlier_turns(shipped),
        alt=_alt(at_home, shipped),
        gaps="\n".join(_gap(system) for system in at_home) or NOT_YET,
        paired=_paired_table(systems, shipped),
        elsewhere=_elsewhere_table(systems, shipped),
        conditions=_conditions_table(shipped),
        split=wrapped(f"The split of the shipped model's figures: {shipped.row.split}"),
        figures=_figures_table(systems, shipped),
        deviations=_deviations(systems),
        commands=_commands(systems),
    )


def plot(systems: Sequence[System], shipped: Shipped) -> bytes:
    """Each system under splits that leak and under one that does not, as SVG."""
    row = shipped.row
    spreads = [_spread(system) for system in systems if _at_home(system)]
    return leaks([*spreads, Spread("the model that ships", row.ua, row.ua_interval)])


def _at_home(system: System) -> bool:
    """Whether a system was scored on a corpus that it was trained on, so that splits of one corpus say something."""
    return system.row(*SPEAKER, RANDOM, AUGMENTED) is not None


def _spread(system: System) -> Spread:
    fair = system.row(*SPEAKER)
    any_row = fair or system.rows[0]
    return Spread(
        f"{system.letter}: {system.title} ({_classes(any_row)})",
        None if fair is None else fair.ua,
        None if fair is None else fair.ua_interval,
        _ua(system.row(RANDOM)),
        _ua(system.row(AUGMENTED)),
    )


def _ua(row: Measured | None) -> float | None:
    return None if row is None else row.ua


def _headline(systems: Sequence[System], shipped: Shipped) -> str:
    own = f"the model that ships here has one of {_share(shipped.row)}"
    eight = [
        (row.ua, system) for system in systems for row in [_fair_on_corpus(system)] if row and row.labels == "eight"
    ]
    if not eight:
        return wrapped(
            f"On speakers that it has never heard, the model that ships here has a UA of {_share(shipped.row)}."
        )
    best, system = max(eight, key=lambda pair: pair[0])
    return wrapped(
        f"On speakers that they have never heard, and on all eight emotions, the best of the published systems "
        f"({system.letter}: {system.title}) has a UA of {100 * best:.1f} %; {own}."
    )


def _fair_on_corpus(system: System) -> Measured | None:
    row = system.row(*SPEAKER)
    return row if row is not None and row.corpus == CORPUS else None


def _systems_table(systems: Sequence[System], shipped: Shipped) -> str:
    head = ["system", "classes", "the paper's figure", "its split", "random UA", "copies UA", "speaker-disjoint UA"]
    head += ["accuracy", "macro-F1", "parameters", "ms for 3 s"]
    rows = []
    for system in systems:
        fair = system.row(*SPEAKER)
        rows.append(
            [
                f"{system.letter}: {system.title}",
                _classes(fair or system.rows[0], word=False),
                system.reported,
                system.paper_split,
                _share(system.row(RANDOM)),
                _share(system.row(AUGMENTED)),
                _share(fair),
                percent(None if fair is None else fair.accuracy),
                percent(None if fair is None else fair.macro_f1),
                f"{system.parameters:,}",
                _time(system.latency_ms),
            ]
        )
    own = shipped.row
    rows.append(
        [
            "**the model that ships**",
            _classes(own, word=False),
            *[NONE] * 4,
            f"**{_share(own)}**",
            percent(own.accuracy),
            percent(own.macro_f1),
            f"{shipped.manifest['parameters']:,}",
            _time(shipped.manifest["figures"]["latency_ms"]),
        ]
    )
    if shipped.earlier_turns is not None:
        low, high = _with_earlier_turns(shipped.earlier_turns)
        title = "the same heads, features centred on the caller's earlier turns; does not ship"
        rows.append([title, _classes(own, word=False), *[NONE] * 4, f"{low} to {high}", *[NONE] * 4])
    return table(head, rows)


def _with_earlier_turns(figures: Mapping[str, float]) -> tuple[str, str]:
    """The lowest and the highest UA, in percent, over what the earlier turns were mixed with."""
    known = [value for name, value in figures.items() if name != "without"]
    return percent(min(known)), percent(max(known))


def _earlier_turns(shipped: Shipped) -> str:
    if shipped.earlier_turns is None:
        return ""
    return wrapped(
        "*Centred on the caller's earlier turns*: from a clip's features the mean of its speaker's earlier clips is "
        "taken, which come in random order and are mixed with none, two or eight clips of an average speaker; the "
        "range is over these three, in float32, where the same heads have "
        f"{percent(shipped.earlier_turns['without'])} without. It is causal, but RAVDESS' speakers act every emotion "
        "equally often, which no caller does: a caller who is angry from the first turn on could be taken for calm. "
        "So it stands apart and does not ship."
    )


def _gap(system: System) -> str:
    fair = system.row(*SPEAKER)
    parts = [
        (system.row(AUGMENTED), "with copies of the tested clips in training"),
        (system.row(RANDOM), "with the tested speakers in training"),
        (fair, "on speakers that it has not heard"),
    ]
    told = [f"{100 * row.ua:.1f} % {how}" for row, how in parts if row is not None]
    text = f"- **{system.letter}, {system.title}**: {', '.join(told)}."
    leaking = [row for row, _ in parts[:2] if row is not None and fair is not None and row.corpus == fair.corpus]
    if fair is not None and leaking:
        points = 100 * (leaking[0].ua - fair.ua)
        text += (
            f" {points:.1f} points of the first figure are the split's, not the system's."
            if points > 0
            else " The split does not flatter it here."
        )
    return wrapped(text, indent="  ")


def _alt(systems: Sequence[System], shipped: Shipped) -> str:
    parts = [
        f"{spread.label.split(':')[0]} falls from {100 * max(known):.0f} to {100 * spread.speaker:.0f} %"
        for spread in map(_spread, systems)
        for known in [[value for value in (spread.random, spread.copies) if value is not None]]
        if known and spread.speaker is not None
    ]
    fallen = f"; {', '.join(parts)}" if parts else ""
    return (
        f"UA under leaking and speaker-disjoint splits{fallen}; the model that ships has {100 * shipped.row.ua:.0f} %"
    )


def _paired_table(systems: Sequence[System], shipped: Shipped) -> str:
    rows = []
    for system in systems:
        found = compare(shipped.heard["clean"], read_answers(system.answers)) if system.answers else None
        if found is not None:
            gain = found.gain
            rows.append(
                [
                    f"{system.letter}: {system.title}",
                    f"{found.clips:,}",
                    str(found.classes),
                    f"{100 * found.ours:.1f}",
                    f"{100 * found.theirs:.1f}",
                    f"{100 * gain.value:+.1f} ({100 * gain.low:+.1f} to {100 * gain.high:+.1f})",
                    p_value(gain.p),
                    p_value(found.mcnemar),
                ]
            )
    head = ["against", "clips", "classes", "shipped model's UA", "system's UA", "gain", "p, bootstrap", "p, McNemar"]
    return table(head, rows) if rows else NOT_YET


def _elsewhere_table(systems: Sequence[System], shipped: Shipped) -> str:
    """What was scored on corpora that training had nothing of, and the shipped model on the same ones."""
    every = [(system, row) for system in systems for row in system.rows if row.protocol == LANGUAGE]
    rows = [
        [
            f"{system.letter}: {system.title}",
            row.corpus,
            _classes(row, word=False),
            row.split,
            f"{row.clips:,} of {row.speakers}",
            _ua_of(row),
            percent(row.accuracy),
            percent(row.macro_f1),
        ]
        for system, row in every
    ]
    for corpus in dict.fromkeys(row.corpus for _, row in every):
        own = shipped.manifest["figures"].get("other_corpora", {}).get(corpus)
        if own is not None:
            rest = ["trained on other corpora", f"{own['clips']:,}"]
            present = str(len(own["emotions"]))
            rows.append(["the model that ships", corpus, "8", *rest, percent(own["ua"]), NONE, NONE])
            among = percent(own["ua_among_its_emotions"])
            rows.append(["the model that ships, asked for these alone", corpus, present, *rest, among, NONE, NONE])
    head = ["system", "corpus", "classes", "split", "clips of speakers", "UA", "accuracy", "macro-F1"]
    return table(head, rows) if rows else NOT_YET


def _conditions_table(shipped: Shipped) -> str:
    clean = shipped.heard["clean"]
    whole = unweighted_accuracy(clean.truth, clean.predicted)
    rows = []
    for name, title in CONDITIONS.items():
        heard = shipped.heard[name]
        truth, predicted = heard.truth, heard.predicted
        ua = bootstrap(unweighted_accuracy, truth, predicted, groups=heard.speakers)
        rows.append(
            [
                title,
                f"{100 * ua.value:.1f} ({100 * ua.low:.1f} to {100 * ua.high:.1f})",
                percent(accuracy(truth, predicted)),
                percent(macro_f1(truth, predicted)),
                NONE if name == "clean" else f"{100 * (whole - ua.value):.1f}",
            ]
        )
    return table(["condition", "UA", "accuracy", "macro-F1", "cost"], rows)


def _figures_table(systems: Sequence[System], shipped: Shipped) -> str:
    every = [(f"{system.letter}: {system.name}", row) for system in systems for row in system.rows]
    rows = [
        [
            name,
            row.corpus,
            _classes(row, word=False),
            row.protocol,
            NONE if row is own else row.split,
            f"{row.clips:,} of {row.speakers}",
            _ua_of(row),
            percent(row.accuracy),
            percent(row.macro_f1),
            _decimal(row.auc),
            _decimal(row.ece),
        ]
        for own in [shipped.row]
        for name, row in [*every, ("the model that ships", own)]
    ]
    head = [
        "system",
        "corpus",
        "classes",
        "protocol",
        "split",
        "clips of speakers",
        "UA",
        "accuracy",
        "macro-F1",
        "AUC",
    ]
    return table([*head, "ECE"], rows)


def _deviations(systems: Sequence[System]) -> str:
    lines = [
        f"- **{system.letter}, {system.title}**: " + "; ".join(text.rstrip(".") for text in system.deviations) + "."
        for system in systems
        if system.deviations
    ]
    return "\n".join(wrapped(line, indent="  ") for line in lines) or NOT_YET


def _commands(systems: Sequence[System]) -> str:
    return "\n".join(f"    {system.command}" for system in systems) or NOT_YET


def _classes(row: Measured, *, word: bool = True) -> str:
    number = str(CLASSES.get(row.labels, row.labels))
    return f"{number} classes" if word else number


def _share(row: Measured | None) -> str:
    """UA and interval, with the corpus where it is not the one that the table is about."""
    if row is None:
        return NONE
    return _ua_of(row) if row.corpus == CORPUS else f"{_ua_of(row)}, {row.corpus}"


def _ua_of(row: Measured) -> str:
    if row.ua_interval is None:
        return f"{100 * row.ua:.1f}"
    low, high = row.ua_interval
    return f"{100 * row.ua:.1f} ({100 * low:.1f} to {100 * high:.1f})"


def _decimal(value: float | None) -> str:
    return NONE if value is None else f"{value:.3f}"


def _time(latency_ms: Mapping[str, float]) -> str:
    return f"{latency_ms['p50']:.2f} ({latency_ms['p95']:.2f})"


def write(docs: Path, models: Path, results: Path = RESULTS) -> None:
    """Write the document and its plot into the folder `docs`, from the systems' results and a model's folder."""
    systems, shipped = read_systems(results), read_shipped(models)
    (docs / DOCUMENT).write_text(document(systems, shipped), encoding="utf-8")
    (docs / PLOT).write_bytes(plot(systems, shipped))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Write the comparison with the published systems.")
    parser.add_argument("docs", type=Path, help="the folder of the documents")
    parser.add_argument("--models", type=Path, required=True, help="folder of the shipped acoustic model")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the systems' results")
    options = parser.parse_args(arguments)
    write(options.docs, options.models, options.results)


if __name__ == "__main__":
    main()
