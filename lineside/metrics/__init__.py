"""What this room tells Prometheus, and what it reads from others."""
