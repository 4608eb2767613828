"""Further bots of the shapes that are found in public: models that learn, and a shop that speaks several languages."""

BANK = {  # DIET, TED and a response selector; actions and a validated form without a server; slots named as ours
    "config.yml": """
recipe: default.v1
assistant_id: shape
language: en
pipeline:
- name: WhitespaceTokenizer
- name: CountVectorsFeaturizer
- name: DIETClassifier
  epochs: 60
  constrain_similarities: true
- name: ResponseSelector
  epochs: 30
  retrieval_intent: faq
- name: FallbackClassifier
  threshold: 0.3
policies:
- name: MemoizationPolicy
- name: TEDPolicy
  max_history: 3
  epochs: 5
- name: RulePolicy
""",
    "domain.yml": """
version: "3.1"
intents:
- greet
- transfer
- faq
- inform
entities:
- amount
- emotion
actions:
- action_transfer
- validate_transfer_form
slots:
  emotion:
    type: categorical
    values: [angry, happy, neutral]
    influence_conversation: false
    mappings:
    - type: custom
  escalated:
    type: bool
    influence_conversation: false
    mappings:
    - type: custom
  amount:
    type: text
    mappings:
    - type: from_entity
      entity: amount
  purpose:
    type: text
    mappings:
    - type: from_text
      conditions:
      - active_loop: transfer_form
        requested_slot: purpose
forms:
  transfer_form:
    required_slots: [amount, purpose]
responses:
  utter_greet:
  - text: Welcome to the bank.
  utter_faq/hours:
  - text: We are open from nine to five.
  utter_faq/fees:
  - text: An account costs nothing.
  utter_ask_amount:
  - text: How much shall I transfer?
  utter_ask_purpose:
  - text: What is it for?
""",
    "data/nlu.yml": """
version: "3.1"
nlu:
- intent: greet
  examples: |
    - hello
    - hi there
    - good morning
- intent: transfer
  examples: |
    - transfer money please
    - I want to transfer money
    - send money to my sister
- intent: faq/hours
  examples: |
    - when are you open
    - what are your opening hours
- intent: faq/fees
  examples: |
    - what does an account cost
    - are there any fees
- intent: inform
  examples: |
    - it is [50 euros](amount)
    - [20 euros](amount)
    - make it [7 euros](amount)
""",
    "data/rules.yml": """
version: "3.1"
rules:
- rule: questions
  steps:
  - intent: faq
  - action: utter_faq
- rule: begin
  steps:
  - intent: transfer
  - action: transfer_form
  - active_loop: transfer_form
- rule: end
  condition:
  - active_loop: transfer_form
  steps:
  - action: transfer_form
  - active_loop: null
  - action: action_transfer
""",
    "data/stories.yml": """
version: "3.1"
stories:
- story: greet
  steps:
  - intent: greet
  - action: utter_greet
""",
    "credentials.yml": "rest:\n",
    "endpoints.yml": 'action_endpoint:\n  url: "http://localhost:9/webhook"\n',
}

SHOP = {  # two stages of asking back, examples and replies in several languages, buttons
    "config.yml": """
recipe: default.v1
assistant_id: shape
language: en
pipeline:
- name: WhitespaceTokenizer
- name: CountVectorsFeaturizer
- name: LogisticRegressionClassifier
- name: FallbackClassifier
  threshold: 0.45
policies:
- name: MemoizationPolicy
- name: RulePolicy
""",
    "domain.yml": """
version: "3.1"
intents:
- greet
- order_status
- speak
- out_of_scope
slots:
  language:
    type: categorical
    values: [en, de, es]
    initial_value: en
    mappings:
    - type: from_entity
      entity: language
entities:
- language
responses:
  utter_greet:
  - text: Hello! Which language do you speak?
    buttons:
    - title: English
      payload: /speak{{"language":"en"}}
    - title: Deutsch
      payload: /speak{{"language":"de"}}
  utter_status:
  - text: Ihre Bestellung ist unterwegs.
    condition:
    - type: slot
      name: language
      value: de
  - text: Su pedido ya salió.
    condition:
    - type: slot
      name: language
      value: es
  - text: Your order is on its way.
  utter_ask_rephrase:
  - text: Could you say that in other words?
  utter_default:
  - text: I am sorry, I cannot help you with that.
  utter_understood:
  - text: Understood.
""",
    "data/nlu.yml": """
version: "3.1"
nlu:
- intent: greet
  examples: |
    - hello
    - guten tag
    - buenos dias
- intent: order_status
  examples: |
    - where is my order
    - wo ist meine bestellung
    - donde esta mi pedido
- intent: speak
  examples: |
    - I speak [english]{"entity": "language", "value": "en"}
    - ich spreche [deutsch]{"entity": "language", "value": "de"}
    - hablo [espanol]{"entity": "language", "value": "es"}
- intent: out_of_scope
  examples: |
    - what is the weather
    - sing a song
""",
    "data/rules.yml": """
version: "3.1"
rules:
- rule: greet
  steps:
  - intent: greet
  - action: utter_greet
- rule: status
  steps:
  - intent: order_status
  - action: utter_status
- rule: speak
  steps:
  - intent: speak
  - action: utter_understood
- rule: out of scope
  steps:
  - intent: out_of_scope
  - action: utter_default
- rule: two stages
  steps:
  - intent: nlu_fallback
  - action: action_two_stage_fallback
  - active_loop: action_two_stage_fallback
""",
    "credentials.yml": "rest:\n",
    "endpoints.yml": "",
}

MORE_SHAPES = {"bank": BANK, "shop": SHOP}
