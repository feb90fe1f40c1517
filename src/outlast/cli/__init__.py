"""The command line: one file per verb over the tables of `core.options` and `core.verbs`."""
