"""``lineside migrate | topics | retention | weights``: what keeps a site in order."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lineside.commands.site_command import site_command

if TYPE_CHECKING:
    from lineside.site import Site


@site_command("database")
def migrate(
    site: "Site",
    reader_role: Annotated[
        str | None,
        typer.Option(
            envvar="LINESIDE_READER_ROLE",
            metavar="ROLE",
            help="PostgreSQL role, made if missing, that may read the views of schema `reporting`: Grafana's.",
        ),
    ] = None,
    to: Annotated[
        str,
        typer.Option(
            metavar="REVISION",
            help="The schema of an older version, before its programs come back: what came since is undone.",
        ),
    ] = "head",
) -> None:
    """Bring the database to the schema of this version.

    Back to an older one (`--to 0002`, which the older version's messages name): with the newer version's program, which
    knows the way, and after `lineside backup`, since what only the newer schema can hold is gone then.
    """
    from lineside.terminal import out
    from storage.migrate import current
    from storage.migrate import migrate as migrate_database
    from storage.reader_role import grant_reader
    from wire.errors import ConfigurationError

    if to == "base":
        raise ConfigurationError(["--to base: would remove every table; drop the database instead"])
    url = site.database
    migrate_database(url, to=to, progress=out.print)
    out.print(f"schema {current(url)}")
    if reader_role:
        is_new = grant_reader(url, reader_role)
        out.print(
            f"{reader_role} may read schema reporting" + (f"; ALTER ROLE {reader_role} LOGIN …" if is_new else "")
        )


@site_command("broker")
def topics(
    site: "Site",
    partitions: Annotated[
        int, typer.Option(min=1, help="Partitions of each topic: the most workers that can share the lines.")
    ] = 24,
) -> None:
    """Create the topics that are missing (a later change of the number of partitions maps lines anew)."""
    from lineside.terminal import out
    from wire.kafka.topics_admin import ensure_topics

    created = ensure_topics(site.broker, partitions)
    out.print(f"created {', '.join(created)}" if created else "every topic is there")


@site_command("database", "objects")
def retention(
    site: "Site",
    ok_days: Annotated[float, typer.Option(min=0, help="Keep inspections that are ok this long.")] = 30.0,
    defect_days: Annotated[float, typer.Option(min=0, help="Keep inspections with a defect this long.")] = 365.0,
    unknown_days: Annotated[float, typer.Option(min=0, help="Keep parts that could not be judged this long.")] = 90.0,
    topic_days: Annotated[
        float, typer.Option(min=0, help="How long Kafka keeps messages; nothing younger is ever removed.")
    ] = 7.0,
) -> None:
    """Delete inspections past their age, and objects that nothing needs any more. Run it once a day."""
    from dataclasses import asdict
    from datetime import UTC, datetime, timedelta

    from lineside.commands.opened import open_database
    from lineside.terminal import out
    from storage.objects import open_payload_store
    from storage.retention import Retention
    from storage.retention_policy import RetentionPolicy
    from wire.finding import Verdict

    ages = {Verdict.OK: ok_days, Verdict.DEFECT: defect_days, Verdict.UNKNOWN: unknown_days}
    policy = RetentionPolicy(
        ages={verdict: timedelta(days=days) for verdict, days in ages.items()},
        topic_retention=timedelta(days=topic_days),
    )
    payloads = open_payload_store(site.objects)
    try:
        with open_database(site) as opened:
            counts = Retention(opened, payloads).run(policy, datetime.now(UTC))
    finally:
        payloads.close()
    out.print("removed " + ", ".join(f"{count} {what}" for what, count in asdict(counts).items()))


def weights(
    files: Annotated[list[str], typer.Argument(metavar="NAME=SHA256...", help="Files, each with its sha256.")],
    source: Annotated[str, typer.Option("--from", metavar="URL", help="Object store: s3://…, file:///FOLDER, …")],
    target: Annotated[Path, typer.Option("--to", metavar="DIR", help="Folder that they are copied into.")],
) -> None:
    """Copy a recipe's weights out of an object store, checked against their sums."""
    from lineside.terminal import out
    from storage.weights_copy import copy_weights
    from wire.errors import ConfigurationError

    sums = dict(one.rpartition("=")[::2] for one in files)
    wrong = [name for name, sha256 in sums.items() if not name or "/" in name or len(sha256) != 64]
    if wrong:
        raise ConfigurationError([f"{name!r}: write NAME=SHA256, 64 hex digits, without a folder" for name in wrong])
    copy_weights(source, target, sums, progress=out.print)
