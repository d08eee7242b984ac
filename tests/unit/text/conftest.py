"""Settings of the property tests in this folder."""

from hypothesis import settings

# A machine that is busy with something else is no reason to fail.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
