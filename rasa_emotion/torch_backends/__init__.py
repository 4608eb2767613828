"""Audio classifiers of other people, run in torch: the extra `torch`. Imported only for who names such a model."""
