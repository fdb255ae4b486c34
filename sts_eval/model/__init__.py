"""The language model and its SAE: loading, where to read, packed reading, fingerprints."""
