"""REST API and operator pages over the history: reads SQL and objects, sends commands."""
