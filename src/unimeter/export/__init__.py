"""Where the numbers go: the shapes that other systems take them in. Each module is imported by name."""
