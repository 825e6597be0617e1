"""The way back: verdicts to PLCs, and to whoever subscribes to a vision system."""
