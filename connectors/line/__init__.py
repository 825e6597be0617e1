"""A whole line as one process: its cameras and its PLC behind one publisher."""
