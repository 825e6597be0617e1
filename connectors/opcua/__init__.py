"""PLCs over OPC UA: the context of each part, and the sensor values around its trigger."""
