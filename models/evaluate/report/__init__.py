"""An evaluation as one page that needs nothing else: tables, curves, best and worst maps."""
