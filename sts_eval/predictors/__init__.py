"""From the untuned model to a score per domain: the shifted dimensions, and STS on them."""
