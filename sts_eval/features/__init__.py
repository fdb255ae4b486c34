"""From tokens to numbers: where to read, reading it cheaply, and encoding what was read."""
