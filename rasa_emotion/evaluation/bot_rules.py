"""The rules of escalation that a bot's config.yml names, read without Rasa."""

from pathlib import Path

from ruamel.yaml.error import YAMLError

from rasa_emotion.conversation.escalation import EscalationRules
from rasa_emotion.conversation.rule_options import DEFAULT_OPTIONS, escalation_rules
from rasa_emotion.errors import ConfigError
from rasa_emotion.plain_yaml import read_plain_yaml
from rasa_emotion.settings import checked

POLICY = "EmotionPolicy"
OTHER_OPTIONS = ("priority", "handoff_action", "offer_action", "declined_action", "call_back_action", "nobody_action")
"""Options of the policy that decide nothing."""


def rules_of(config: Path) -> EscalationRules:
    """The rules of the EmotionPolicy in a bot's config.yml. Raises ConfigError where there is none, or it is wrong."""
    try:
        content = read_plain_yaml(config.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"'{config}' does not exist; name a bot's config.yml.") from error
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise ConfigError(f"'{config}' cannot be read as YAML ({error}); name a bot's config.yml.") from error
    policies = (content.get("policies") if isinstance(content, dict) else None) or []
    for policy in policies:
        if isinstance(policy, dict) and str(policy.get("name", "")).rpartition(".")[2] == POLICY:
            given = {key: value for key, value in policy.items() if key != "name"}
            settings = checked(POLICY, given, {**DEFAULT_OPTIONS, **dict.fromkeys(OTHER_OPTIONS)})
            return escalation_rules(POLICY, settings)
    raise ConfigError(f"'{config}' has no {POLICY} among its policies; run 'rasa-emotion init' or name another file.")
