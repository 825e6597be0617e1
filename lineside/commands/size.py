"""``lineside size``: what a site needs, before it is bought."""

from typing import Annotated

import typer

from lineside.commands.options import AsJson

_PLANT, _KEPT, _MACHINES = "The plant", "What is kept", "The machines"


def size(
    lines: Annotated[int, typer.Option(min=1, help="Lines.", rich_help_panel=_PLANT)] = 10,
    rate: Annotated[float, typer.Option(min=1e-4, help="Parts per second and line.", rich_help_panel=_PLANT)] = 1.0,
    images: Annotated[int, typer.Option(min=0, help="Images of one part.", rich_help_panel=_PLANT)] = 1,
    image_kb: Annotated[float, typer.Option(min=0, help="kB of one image as sent.", rich_help_panel=_PLANT)] = 250,
    sensor_kb: Annotated[float, typer.Option(min=0, help="kB of sensors per part.", rich_help_panel=_PLANT)] = 4,
    defects: Annotated[
        float, typer.Option(min=0, max=1, help="Share of flagged parts.", rich_help_panel=_PLANT)
    ] = 0.02,
    hours: Annotated[float, typer.Option(min=0.1, max=24, help="Hours a day.", rich_help_panel=_PLANT)] = 24,
    worker_rate: Annotated[
        float,
        typer.Option(min=0.01, help="Parts/s of a worker: `lineside bench scaling`.", rich_help_panel=_MACHINES),
    ] = 10,
    utilisation: Annotated[
        float, typer.Option(min=0.05, max=0.95, help="How busy a worker may be.", rich_help_panel=_MACHINES)
    ] = 0.6,
    replicas: Annotated[int, typer.Option(min=1, help="Copies that Kafka keeps.", rich_help_panel=_MACHINES)] = 3,
    outage_hours: Annotated[
        float, typer.Option(min=0, help="Longest outage that spools shall bridge.", rich_help_panel=_MACHINES)
    ] = 8,
    topic_days: Annotated[float, typer.Option(min=0, help="Retention of Kafka's topics.", rich_help_panel=_KEPT)] = 7,
    ok_days: Annotated[float, typer.Option(min=0, help="Good parts.", rich_help_panel=_KEPT)] = 30,
    defect_days: Annotated[float, typer.Option(min=0, help="Defective parts.", rich_help_panel=_KEPT)] = 365,
    evidence: Annotated[
        bool, typer.Option("--all-evidence/--flagged-evidence", help="`inspect.evidence`.", rich_help_panel=_KEPT)
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Workers, partitions, network and disk of a site, computed from its lines."""
    from dataclasses import asdict

    from rich.table import Table

    from lineside.sizing import Plant
    from lineside.sizing import size as compute
    from lineside.terminal import out, print_json

    found = compute(
        Plant(
            lines=lines, rate_hz=rate, images=images, image_kb=image_kb, sensor_kb=sensor_kb, defect_share=defects,
            hours_per_day=hours, worker_parts_per_s=worker_rate, utilisation=utilisation, replicas=replicas,
            topic_days=topic_days, ok_days=ok_days, defect_days=defect_days, evidence_of_all=evidence,
            outage_hours=outage_hours,
        )
    )  # fmt: skip
    if as_json:
        print_json(asdict(found))
        return
    table = Table(show_header=False)
    for what, figure, how in (
        ("parts", f"{found.parts_per_s:,.4g} per second, {found.parts_per_day:,.0f} a day", f"{lines} x {rate:g}"),
        ("inspect workers", f"{found.workers}", f"{worker_rate:g} parts/s each, {utilisation:.0%} busy"),
        ("lines per worker", f"{found.lines_per_worker:,.1f}", "one worker = one GPU, or one share of it"),
        ("partitions", f"{found.partitions}", "lineside topics --partitions: four per worker, so that shares are even"),
        ("network", f"{found.network_mb_per_s:,.2f} MB/s", "payloads from the lines; the workers read the same again"),
        ("Kafka", f"{found.kafka_gb_per_day:,.1f} GB a day, {found.kafka_gb:,.0f} GB",
         f"{replicas} copies, {topic_days:g} days"),
        ("objects", f"{found.objects_gb_per_day:,.1f} GB a day, {found.objects_gb:,.0f} GB",
         f"good {ok_days:g} days, defects {defect_days:g}"),
        ("SQL", f"{found.sql_gb_per_day:,.2f} GB a day, {found.sql_gb:,.1f} GB", "7 kB per part"),
        ("spool", f"{found.spool_gb_per_line:,.1f} GB per line", f"{outage_hours:g} hours without broker"),
        ("memory of line states", f"{found.state_memory_gb:,.2f} GB per worker", "inspect.state_bytes; 4 MB per line"),
    ):  # fmt: skip
        table.add_row(what, figure, how)
    out.print(table)
