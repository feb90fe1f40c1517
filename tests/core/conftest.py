"""How hard the properties are tried: `OUTLAST_EXAMPLES=10000 sh tests/run tests/core` for a long search. A busy machine is no failure."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "house", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=int(os.environ.get("OUTLAST_EXAMPLES", "100"))
)
settings.load_profile("house")
