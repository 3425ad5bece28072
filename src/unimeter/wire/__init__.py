"""Bodies as they come: JSON, server-sent events, JSON lines, AWS event streams. Each decoder is usable alone."""
