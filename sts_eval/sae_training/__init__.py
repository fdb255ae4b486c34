"""Training a sparse autoencoder for a model that has none, with sae-lens's trainer."""
