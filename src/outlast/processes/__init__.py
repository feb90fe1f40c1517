"""Processes of this machine: proving which is which, finding a run's tree, ending it. Nobody else signals anything."""
