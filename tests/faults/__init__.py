"""A line that is killed, stopped and fed rubbish, compared with the plant's own ledger of truth."""
