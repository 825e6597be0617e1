"""Workers on the stream: pure steps, agent loops."""
