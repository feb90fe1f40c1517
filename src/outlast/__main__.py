"""`python -m outlast`: the command where it is not on the PATH."""

from outlast.cli.main import run

run()
