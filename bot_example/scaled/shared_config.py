"""Names the shared service in a bot's config.yml: python shared_config.py config.yml http://emotion:8100"""

import sys
from pathlib import Path

from ruamel.yaml import YAML

CLASSIFIER = "rasa_emotion.EmotionClassifier"


def share(config: Path, service: str) -> None:
    """Write the address into the classifier's options, with all else as it is."""
    yaml = YAML()
    content = yaml.load(config.read_text(encoding="utf-8"))
    for component in content["pipeline"]:
        if component["name"] == CLASSIFIER:
            component["endpoint"] = service
    with config.open("w", encoding="utf-8") as file:
        yaml.dump(content, file)


if __name__ == "__main__":
    share(Path(sys.argv[1]), sys.argv[2])
