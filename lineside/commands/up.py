"""``lineside up``: a whole site on one machine."""

from pathlib import Path
from typing import Annotated

import typer

from lineside.commands.options import DEFAULT_DATA_DIR, options_from_file

_STREAM, _SITE, _PLANT = "What is streamed", "Where things are", "Virtual plant"


def up(
    source: Annotated[
        str,
        typer.Option(metavar="procedural|DIR|VIDEO|rtsp://…", help="Where images come from.", rich_help_panel=_STREAM),
    ] = "procedural",
    lines: Annotated[int, typer.Option(min=1, max=64, help="Number of lines.", rich_help_panel=_STREAM)] = 2,
    rate: Annotated[
        float, typer.Option(min=0.01, max=200, metavar="FPS", help="Parts per second, per line.",
                            rich_help_panel=_STREAM)
    ] = 1.0,
    duration: Annotated[
        float | None,
        typer.Option(min=0.1, metavar="S", help="Stream this many seconds, settle, end. (default: until Ctrl-C)",
                     rich_help_panel=_STREAM),
    ] = None,
    summary: Annotated[
        Path | None, typer.Option(metavar="FILE.json", help="Write figures of the run here.", rich_help_panel=_STREAM)
    ] = None,
    data_dir: Annotated[
        Path, typer.Option(envvar="LINESIDE_DATA_DIR", help="Folder of the site's data.", rich_help_panel=_SITE)
    ] = DEFAULT_DATA_DIR,
    broker: Annotated[
        str, typer.Option(envvar="LINESIDE_BROKER", metavar="embedded|HOST:PORT", help="Kafka.", rich_help_panel=_SITE)
    ] = "embedded",
    broker_options: Annotated[
        Path | None,
        typer.Option(envvar="LINESIDE_BROKER_OPTIONS", metavar="FILE", help="YAML: librdkafka settings (TLS, SASL).",
                     rich_help_panel=_SITE),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(envvar="LINESIDE_DATABASE", metavar="URL", help="postgresql://… (default: SQLite, --data-dir)",
                     rich_help_panel=_SITE),
    ] = None,
    objects: Annotated[
        str | None,
        typer.Option(envvar="LINESIDE_OBJECTS", metavar="URL", help="s3://… (default: a folder, --data-dir)",
                     rich_help_panel=_SITE),
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the pages; 0 = a free one.", rich_help_panel=_SITE)
    ] = 8080,
    telemetry_port: Annotated[
        int,
        typer.Option(min=0, max=65535, help="First of the ports with /metrics, one per process; 0 = free ones.",
                     rich_help_panel=_SITE),
    ] = 9600,
    recipe: Annotated[
        str, typer.Option(help="The detector's recipe: a name, or a YAML file.", rich_help_panel=_SITE)
    ] = "embedded",
    weights: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The recipe's weights (--set backbone.weights=FILE); never downloaded.",
                     rich_help_panel=_SITE),
    ] = None,
    backbone: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="--set backbone.name=NAME: embedded, or a model of open_clip.",
                     rich_help_panel=_SITE),
    ] = None,
    changed: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the recipe, e.g. memory.match=nearest.",
                     rich_help_panel=_SITE),
    ] = None,
    retention: Annotated[
        bool,
        typer.Option(help="Delete once a day what is past its age (`lineside retention --help`).",
                     rich_help_panel=_SITE),
    ] = True,
    faults: Annotated[
        str,
        typer.Option(metavar="NAME=RATE,NAME@S,…", rich_help_panel=_PLANT,
                     help="What goes wrong, e.g. camera_drops=0.01,corrupt_image=0.01,server_restart@30."),
    ] = "",
    defect_rate: Annotated[
        float, typer.Option(min=0, max=1, help="Share of drawn parts with a defect.", rich_help_panel=_PLANT)
    ] = 0.1,
    verdicts_to_plc: Annotated[
        bool,
        typer.Option("--verdicts-to-plc", help="Write each verdict to the virtual PLC, which echoes it.",
                     rich_help_panel=_PLANT),
    ] = False,
    learning_parts: Annotated[
        int, typer.Option(min=2, max=10_000, help="Good parts that a line learns from first.", rich_help_panel=_PLANT)
    ] = 32,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", is_eager=True, callback=options_from_file, rich_help_panel=_SITE,
                     help="YAML: any of these options (defect_rate: 0.2); LINESIDE_UP_* and flags win over it."),
    ] = None,
) -> None:  # fmt: skip
    """Run a whole inspection site: plant, connectors, broker, workers, database, pages.

    Ctrl-C ends it in order and prints the ledger; a second Ctrl-C ends it at once.
    """
    from lineside.recipe_changes import recipe_changes
    from lineside.up import run
    from lineside.up_options import UpOptions

    raise typer.Exit(
        run(
            UpOptions(
                source=source,
                lines=lines,
                rate_hz=rate,
                duration_s=duration,
                summary=summary,
                data_dir=data_dir,
                broker=broker,
                broker_options=broker_options,
                database=database,
                objects=objects,
                port=port,
                telemetry_port=telemetry_port,
                faults=faults,
                defect_rate=defect_rate,
                learning_parts=learning_parts,
                recipe=recipe,
                recipe_changes=recipe_changes(changed or [], backbone, weights),
                retention=retention,
                verdicts_to_plc=verdicts_to_plc,
            )
        )
    )
