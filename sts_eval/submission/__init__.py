"""A run as it is handed in, and how a submission is checked."""
