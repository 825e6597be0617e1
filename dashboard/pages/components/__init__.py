"""Vue components of the pages: each a Python element beside its JavaScript."""
