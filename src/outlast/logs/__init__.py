"""The reader of the on-disk log. The shim writes it (docs/shim-protocol.md); nothing here writes a byte."""
