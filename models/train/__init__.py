"""Training of what ships. Serving never imports it."""
