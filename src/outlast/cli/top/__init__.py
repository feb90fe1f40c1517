"""`outlast top`: the live screen, built on textual (an extra). Like every interface it looks and acts through `Jobs` alone."""
