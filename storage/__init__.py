"""SQL store, line registry and object store: domain objects go in and out, rows never leave this room."""
