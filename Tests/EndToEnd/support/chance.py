"""What tests do by chance comes from a seed, which each run prints last but for its result. Another
run does the same, as far as threads allow, where USHER_TEST_SEED gives it that seed."""

import os
import secrets

from .gateway.clock import Chance

# Workers, and other processes of the tests, have it from the process that draws it.
SEED = os.environ.setdefault("USHER_TEST_SEED", str(secrets.randbelow(1_000_000)))


def of(*purpose):
    """Draws (a `random.Random`) that depend on the seed and on what they are for alone."""
    return Chance(SEED).of(*purpose)
