"""What each speech corpus is, what its licence asks of weights that were trained on it, and how to get it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from rasa_emotion.errors import ConfigError


@dataclass(frozen=True)
class Download:
    """Where a corpus can be fetched without signing anything.

    Args:
        url: of the archive.
        checksum: "md5:..." or "sha256:..." as its publisher gives it; empty where none is published.
        objects: where the files are that the archive holds only Git LFS pointers to; a path of the archive is appended.
        pointers: which of them are wanted, as a pattern of paths in the archive.
    """

    url: str
    checksum: str = ""
    objects: str = ""
    pointers: str = ""


@dataclass(frozen=True)
class Corpus:
    """What is known of a corpus.

    Args:
        title: its name for people.
        licence: of its recordings.
        commercial: whether companies may use weights trained on it.
        holds: one line on what it holds.
        clips: how many recordings are published, or None where releases differ or nobody says.
        speakers: how many people speak in them, or None likewise.
        folds: its standard folds, in words.
        partitions: names of the folds, from 1, where they are training, development and test parts.
        download: where to fetch it, or None where its owner hands it out on request alone.
        ask: how to get it where there is no download.
        augmented_copies: whether it is also passed on as altered copies, as in the data folder that the models here
            were trained on. The published files are not altered; a manifest that does not say which of the two it lists
            is taken to list copies.
    """

    title: str
    licence: str
    commercial: bool
    holds: str
    clips: int | None = None
    speakers: int | None = None
    folds: str = ""
    partitions: tuple[str, ...] = ()
    download: Download | None = None
    ask: str = ""
    augmented_copies: bool = False


CORPORA: Mapping[str, Corpus] = MappingProxyType(
    {
        "ravdess": Corpus(
            "RAVDESS",
            "CC BY-NC-SA 4.0",
            False,
            "two sentences acted in eight emotions, American English",
            clips=1440,
            speakers=24,
            folds="EmoBox's six, four actors each",
            download=Download(
                "https://zenodo.org/records/1188976/files/Audio_Speech_Actors_01-24.zip",
                "md5:bc696df654c87fed845eb13823edef8a",
            ),
        ),
        "crema-d": Corpus(
            "CREMA-D",
            "ODbL 1.0",
            True,
            "twelve sentences acted in six emotions, American English",
            clips=7442,
            speakers=91,
            folds="none official; five by speaker",
            download=Download(
                "https://github.com/CheyneyComputerScience/CREMA-D/archive/refs/heads/master.zip",
                objects="https://media.githubusercontent.com/media/CheyneyComputerScience/CREMA-D/master/",
                pointers="AudioWAV/*.wav",
            ),
        ),
        "tess": Corpus(
            "TESS",
            "CC BY-NC-ND 4.0",
            False,
            "two actresses, seven emotions, 200 words in one carrier sentence",
            clips=2800,
            speakers=2,
            folds="one an actress",
            download=Download(
                "https://borealisdata.ca/api/access/dataset/:persistentId/?persistentId=doi:10.5683/SP2/E8H2MF"
            ),
            augmented_copies=True,
        ),
        "savee": Corpus(
            "SAVEE",
            "research only",
            False,
            "four men, seven emotions, British English",
            clips=480,
            speakers=4,
            folds="one a speaker",
            ask="register at http://kahlan.eps.surrey.ac.uk/savee/, whose owners then send the address",
            augmented_copies=True,
        ),
        "iemocap": Corpus(
            "IEMOCAP",
            "research only, signed release form",
            False,
            "scripted and improvised dialogues of ten actors; four classes are scored",
            clips=10039,
            speakers=10,
            folds="one a session; by session and scene",
            ask="sign the release form at https://sail.usc.edu/iemocap/iemocap_release.htm",
        ),
        "msp-podcast": Corpus(
            "MSP-PODCAST",
            "research only, signed agreement",
            False,
            "turns of podcasts, rated by listeners; four classes are scored",
            folds="official partitions",
            partitions=("train", "development", "test1", "test2", "test3"),
            ask="have your institution sign the agreement at "
            "https://ecs.utdallas.edu/research/researchlabs/msp-lab/MSP-Podcast.html",
        ),
        "meld": Corpus(
            "MELD",
            "GPL-3.0",
            False,
            "dialogues of a television series, seven emotions; video, whose sound ffmpeg extracts",
            clips=13708,
            folds="official partitions, which share speakers",
            partitions=("train", "dev", "test"),
            download=Download("https://web.eecs.umich.edu/~mihalcea/downloads/MELD.Raw.tar.gz"),
        ),
        "emogator": Corpus(
            "EmoGator",
            "Apache-2.0",
            True,
            "vocal bursts such as laughs, sighs and groans",
            clips=32130,
            speakers=357,
            folds="none official; five by contributor",
            download=Download("https://github.com/fredbuhl/EmoGator/archive/HEAD.zip"),
        ),
        "emodb": Corpus(
            "EmoDB",
            "CC0-1.0 (as published with audb)",  # github.com/audeering/emodb; the home page of 2005 names none
            True,
            "ten German sentences acted in seven emotions",
            clips=535,
            speakers=10,
            folds="one a speaker",
            download=Download("http://emodb.bilderbar.info/download/download.zip"),
        ),
        "iesc": Corpus(
            "Indian EmoSpeech Command",
            "CC BY-NC-SA 4.0",
            False,
            "short commands in homes, streets and metro",
            folds="none official; five by speaker",
            download=Download("https://github.com/RakshakTeam/emospeech-dataset-v1/archive/HEAD.zip"),
        ),
        "nemo": Corpus(
            "nEMO",
            "CC BY-NC-SA 4.0",
            False,
            "ninety Polish sentences acted in six emotions",
            ask="see the authors' page of nEMO (Christop, 2024)",
        ),
        "urdu": Corpus(
            "URDU",
            "research only",
            False,
            "natural speech of Urdu talk shows in four emotions",
            ask="see the authors' page of URDU (Latif et al., 2018)",
        ),
        "digits": Corpus(
            "Free Spoken Digit Dataset, digits joined to phrases",
            "CC BY-SA 4.0",
            True,
            "ordinary people who read digits, 8 kHz",
            ask="published by its authors on GitHub as free-spoken-digit-dataset",
        ),
        "service-calls": Corpus(
            "Public service calls",
            "not verified",
            False,
            "ordinary calls of a cloud vendor's sample project, 8 kHz",
            ask="look up the sample project's licence first",
        ),
        "prompts": Corpus(
            "Announcements of Asterisk",
            "CC BY-SA 3.0, CC BY 3.0, BSD",
            True,
            "seven people who record announcements in five languages",
            ask="Debian's packages; research/ordinary_speech makes them",
        ),
        "letters": Corpus(
            "KLettres",
            "GPL-2.0 or later",
            False,
            "twenty volunteers who read letters and syllables at home",
            ask="Debian's klettres-data; research/ordinary_speech makes them",
        ),
        "espeak": Corpus(
            "Sentences by eSpeak NG",
            "output free of the program's licence",
            True,
            "ordinary sentences, formant synthesis in 75 variants",
            ask="research/ordinary_speech makes them",
        ),
        "flite": Corpus(
            "Sentences by Flite",
            "CMU, as BSD",
            True,
            "ordinary sentences, diphones and clustergen",
            ask="research/ordinary_speech makes them",
        ),
        "festival": Corpus(
            "Sentences by Festival",
            "CMU and CSTR, as BSD",
            True,
            "ordinary sentences, diphones and HTS",
            ask="research/ordinary_speech makes them",
        ),
        "hibari": Corpus(
            "Sentences by Hibari",
            "Apache-2.0",
            True,
            "ordinary sentences, one neural voice",
            ask="research/ordinary_speech makes them",
        ),
        "kokoro": Corpus(
            "Sentences by Kokoro",
            "Apache-2.0",
            True,
            "ordinary sentences, many neural voices",
            ask="research/ordinary_speech makes them",
        ),
    }
)


def corpus(name: str) -> Corpus:
    """A corpus by its name in the manifest.

    Raises:
        ConfigError: it is not in the catalogue, so nothing is known of its licence.
    """
    if name not in CORPORA:
        raise ConfigError(f"Corpus '{name}' has no entry in {__name__}: add its title and licence there.")
    return CORPORA[name]


def passed_on_augmented(name: str) -> bool:
    """Whether files of a corpus are altered copies where nobody says which they are; own corpora never are."""
    return name in CORPORA and CORPORA[name].augmented_copies


def commercial(names: Iterable[str]) -> bool:
    """Whether companies may use weights that were trained on all of these."""
    return all(corpus(name).commercial for name in names)
