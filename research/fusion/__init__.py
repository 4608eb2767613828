"""Fits the fusion of voice and words on evidence from clips and sentences that neither model was trained on.

The corpora have voices with fixed sentences or sentences without a voice, so clips and sentences of the same label are
paired; in a quarter of the pairs the words are neutral whatever the voice says, as in real calls. Speakers and
sentences are dealt into five parts, and every figure comes from a part that nothing was fitted on.

    python -m research.fusion models --data ../shared/data
    python -m research.fusion models --acoustic acoustic-emogator --data ../shared/data
"""
