"""``lineside ledger``: whether every frame is accounted for."""

import typer

from lineside.commands.options import DEFAULT_DATA_DIR, AsJson, Database, DataDir


def ledger(as_json: AsJson = False, data_dir: DataDir = DEFAULT_DATA_DIR, database: Database = None) -> None:
    """What became of every frame, by line and source. Exit code 1 if one is unaccounted for."""
    from lineside.commands.opened import open_database
    from lineside.ledger_table import ledger_table, ledger_verdict
    from lineside.site import Site
    from lineside.terminal import out, print_json
    from storage.ledger import LedgerStore

    with open_database(Site(data_dir=data_dir, database=database)) as opened:
        found = LedgerStore(opened).read()
    if as_json:
        print_json(found.as_dict())
    else:
        out.print(ledger_table(found))
        out.print(ledger_verdict(found))
    if found.totals.unaccounted:
        raise typer.Exit(1)
