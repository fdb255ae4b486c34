"""What only the tuned model tells: dimensions that really moved, oracles."""
