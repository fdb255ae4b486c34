"""A language model that says in words what features mean, and how far its words foretell where they fire."""
