"""How hypothesis runs: the same on a laptop and on a small machine that does eight things at once."""

from hypothesis import HealthCheck, settings

# A time limit per example would fail on a busy machine; pytest's timeout per test still holds.
settings.register_profile("wire", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("wire")
