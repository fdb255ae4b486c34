"""What a run leaves behind: typed, versioned, hashed, and written whole or not at all."""
