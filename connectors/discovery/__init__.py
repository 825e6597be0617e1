"""Which devices of the plant answer, and a first configuration made of them."""
