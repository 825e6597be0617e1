"""The virtual plant: an OPC UA server, cameras that deliver files, faults on request, and the ledger of truth."""
