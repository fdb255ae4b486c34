"""From an experiment to a prediction record."""
