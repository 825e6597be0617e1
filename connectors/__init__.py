"""Plant to frames: sources, spool, publisher, supervisor."""
