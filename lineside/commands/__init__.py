"""The commands of ``lineside``, a file per group; heavy rooms are imported when a command runs, not for ``--help``."""
