"""The contract every room shares: domain types, messages, identifiers, codec, ports (no torch, no SQL, no Faust)."""
