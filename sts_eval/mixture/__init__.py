"""Which rows to add to a training set so that other domains do not fall (arXiv 2603.02908, section 5)."""
