"""The pages, a file each, by the names of their tabs."""
