"""Bots of the shapes that are found in public, written afresh: their files, by name, without rasa-emotion."""

from pathlib import Path

_KEYWORDS = """
recipe: default.v1
assistant_id: shape
language: {language}
pipeline:
- name: WhitespaceTokenizer
- name: CountVectorsFeaturizer
- name: LogisticRegressionClassifier
- name: FallbackClassifier
  threshold: 0.2
policies:
- name: MemoizationPolicy
- name: RulePolicy
"""

_ENDPOINTS = """
# This file contains the different endpoints your bot can use.
action_endpoint:
  url: "http://localhost:5055/webhook"

# tracker_store:
#   type: redis
"""

TABLE = {  # a form whose slots come from entities, from an intent and from any text
    "config.yml": _KEYWORDS.format(language="en"),
    "domain.yml": """
version: "3.1"
intents:
- greet
- affirm
- deny
- stop
- book_table
- inform
entities:
- cuisine
slots:
  cuisine:
    type: text
    mappings:
    - type: from_entity
      entity: cuisine
  outside:
    type: bool
    mappings:
    - type: from_intent
      intent: affirm
      value: true
    - type: from_intent
      intent: deny
      value: false
  wish:
    type: text
    mappings:
    - type: from_text
      not_intent: [stop]
      conditions:
      - active_loop: table_form
        requested_slot: wish
forms:
  table_form:
    required_slots: [cuisine, outside, wish]
responses:
  utter_greet:
  - text: "Hello! What can I do for you?"
  utter_ask_cuisine:
  - text: "What would you like to eat?"
  utter_ask_outside:
  - text: "Would you like to sit outside?"
  utter_ask_wish:
  - text: "Is there anything that we should know?"
  utter_booked:
  - text: "Great, your table is booked: {cuisine}, {wish}."
  utter_stopped:
  - text: "No table then."
  utter_default:
  - text: "I did not get that."
""",
    "data/nlu.yml": """
version: "3.1"
nlu:
- intent: greet
  examples: |
    - hello
    - hi there
    - good evening
- intent: affirm
  examples: |
    - yes
    - yes please
    - of course
- intent: deny
  examples: |
    - no
    - no thanks
    - not really
- intent: stop
  examples: |
    - stop it
    - forget about the table
- intent: book_table
  examples: |
    - I want to book a table
    - a table for tonight please
    - can I reserve a table
- intent: inform
  examples: |
    - something [italian](cuisine)
    - we like [greek](cuisine) food
""",
    "data/rules.yml": """
version: "3.1"
rules:
- rule: greet
  steps:
  - intent: greet
  - action: utter_greet
- rule: begin
  steps:
  - intent: book_table
  - action: table_form
  - active_loop: table_form
- rule: end
  condition:
  - active_loop: table_form
  steps:
  - action: table_form
  - active_loop: null
  - slot_was_set:
    - requested_slot: null
  - action: utter_booked
- rule: not understood
  steps:
  - intent: nlu_fallback
  - action: utter_default
""",
    "credentials.yml": "rest:\nrasa:\n  url: http://localhost:5002/api\n",
    "endpoints.yml": "",
}

HELPDESK = {  # an intent and a reply of its own for the handover, custom actions, a website's channel
    "config.yml": _KEYWORDS.format(language="en"),
    "domain.yml": """
version: "3.1"
intents:
- greet
- affirm
- deny
- open_ticket
- human_handoff
- bot_challenge
actions:
- action_open_ticket
- validate_ticket_form
slots:
  email:
    type: text
    mappings:
    - type: from_text
      conditions:
      - active_loop: ticket_form
        requested_slot: email
forms:
  ticket_form:
    required_slots: [email]
    ignored_intents: [bot_challenge]
responses:
  utter_greet:
  - text: Hi, I am the helpdesk.
  utter_ask_email:
  - text: What is your e-mail address?
  utter_handoff:
  - text: One moment, I look whether somebody of the team is free to take over this conversation.
  utter_iamabot:
  - text: I am a bot.
""",
    "data/nlu.yml": """
version: "3.1"
nlu:
- intent: greet
  examples: |
    - hello
    - hi
- intent: human_handoff
  examples: |
    - let me talk to a human
    - I want a person
- intent: open_ticket
  examples: |
    - my laptop is broken
    - I cannot log in
- intent: bot_challenge
  examples: |
    - are you a bot
    - am I talking to a machine
""",
    "data/rules.yml": """
version: "3.1"
rules:
- rule: greet
  steps:
  - intent: greet
  - action: utter_greet
- rule: human
  steps:
  - intent: human_handoff
  - action: utter_handoff
- rule: ticket
  steps:
  - intent: open_ticket
  - action: ticket_form
  - active_loop: ticket_form
- rule: ticket is complete
  condition:
  - active_loop: ticket_form
  steps:
  - action: ticket_form
  - active_loop: null
  - action: action_open_ticket
- rule: bot
  steps:
  - intent: bot_challenge
  - action: utter_iamabot
""",
    "credentials.yml": """
rest:
#  nothing is needed here

socketio:  # the website
  user_message_evt: user_uttered
  bot_message_evt: bot_uttered
  session_persistence: true
""",
    "endpoints.yml": _ENDPOINTS,
}

CONCERT = {  # custom actions and stories, policies of Rasa's own choice, a tracker store and a reply service of its own
    "config.yml": "recipe: default.v1\nassistant_id: shape\nlanguage: en\npipeline:\n- name: WhitespaceTokenizer\n"
    "- name: CountVectorsFeaturizer\n- name: LogisticRegressionClassifier\npolicies:\n",
    "domain.yml": """
version: "3.1"
intents: [greet, search_concerts, thankyou]
entities: [emotion]
actions:
- action_search_concerts
slots:
  concerts:
    type: list
    mappings:
    - type: custom
  emotion:
    type: text
    influence_conversation: false
    mappings:
    - type: from_entity
      entity: emotion
responses:
  utter_greet:
  - text: Hey there!
  utter_youarewelcome:
  - text: You are welcome :)
""",
    "data/nlu.yml": """
version: "3.1"
nlu:
- intent: greet
  examples: |
    - hello
    - hi
- intent: search_concerts
  examples: |
    - find me some concerts
    - is there a concert
- intent: thankyou
  examples: |
    - thanks
    - thank you
""",
    "data/stories.yml": """
version: "3.1"
stories:
- story: search
  steps:
  - intent: greet
  - action: utter_greet
  - intent: search_concerts
  - action: action_search_concerts
  - slot_was_set:
    - concerts: null
  - intent: thankyou
  - action: utter_youarewelcome
""",
    "credentials.yml": "my_company.channels.Kiosk:\n  door: 7\n",
    "endpoints.yml": "nlg:\n  url: http://localhost:5056/nlg\ntracker_store:\n  type: redis\n  url: localhost\n",
}

GERMAN = {  # all of it in another language
    "config.yml": _KEYWORDS.format(language="de"),
    "domain.yml": """
version: "3.1"
intents:
- gruss
- stoerung
- mit_mitarbeiter_sprechen
slots:
  nummer:
    type: text
    mappings:
    - type: from_text
      not_intent: [voice_without_words, emotion_off, emotion_on]
      conditions:
      - active_loop: nummer_form
        requested_slot: nummer
forms:
  nummer_form:
    required_slots: [nummer]
responses:
  utter_gruss:
  - text: "Guten Tag, was kann ich für Sie tun?"
  utter_ask_nummer:
  - text: "Unter welcher Nummer können wir Sie zurückrufen?"
  utter_danke:
  - text: "Vielen Dank, wir rufen Sie unter {nummer} zurück."
""",
    "data/nlu.yml": """
version: "3.1"
nlu:
- intent: gruss
  examples: |
    - guten tag
    - hallo
- intent: stoerung
  examples: |
    - meine leitung ist tot
    - das internet geht nicht
- intent: mit_mitarbeiter_sprechen
  examples: |
    - ich will mit einem menschen sprechen
    - verbinden sie mich bitte
""",
    "data/rules.yml": """
version: "3.1"
rules:
- rule: gruss
  steps:
  - intent: gruss
  - action: utter_gruss
- rule: stoerung
  steps:
  - intent: stoerung
  - action: nummer_form
  - active_loop: nummer_form
- rule: fertig
  condition:
  - active_loop: nummer_form
  steps:
  - action: nummer_form
  - active_loop: null
  - slot_was_set:
    - requested_slot: null
  - action: utter_danke
""",
    "credentials.yml": "rest:\n",
    "endpoints.yml": "",
}

SHAPES = {"table": TABLE, "helpdesk": HELPDESK, "concert": CONCERT, "german": GERMAN}


def make(shape: dict[str, str], folder: Path) -> Path:
    """Write a bot's files."""
    for name, text in shape.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder
