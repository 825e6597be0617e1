"""``lineside ledger``: whether every frame is accounted for."""

from typing import TYPE_CHECKING

import typer

from lineside.commands.options import AsJson
from lineside.commands.site_command import site_command

if TYPE_CHECKING:
    from lineside.site import Site


@site_command("database")
def ledger(site: "Site", as_json: AsJson = False) -> None:
    """What became of every frame, by line and source. Exit code 1 if one is unaccounted for."""
    from lineside.commands.opened import open_database
    from lineside.ledger_table import ledger_table, ledger_verdict
    from lineside.terminal import out, print_json
    from storage.ledger import LedgerStore

    with open_database(site) as opened:
        found = LedgerStore(opened).read()
    if as_json:
        print_json(found.as_dict())
    else:
        out.print(ledger_table(found))
        out.print(ledger_verdict(found))
    if found.totals.unaccounted:
        raise typer.Exit(1)
