"""What a pending job waits for: the kinds of conditions, the children that look at them, and the watch over files."""
