"""``lineside up``: a whole site on one machine, every role a process of its own under one supervisor."""

import json
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Final

from lineside.commissioning import Commissioning
from lineside.daily_retention import DailyRetention, retention_command
from lineside.data_folder import DataFolder
from lineside.disk_space import DiskSpace, is_no_room
from lineside.interruption import Interruption
from lineside.ledger_table import ledger_table, ledger_verdict
from lineside.line_plan import PlannedLine, plan_lines
from lineside.metrics.model_speed import ModelSpeed
from lineside.plant_client import PlantClient
from lineside.ports import PortPlan
from lineside.progress import Progress
from lineside.prometheus_file import write_prometheus_file
from lineside.readiness import Readiness
from lineside.roster import HOST, Roster, SitePlan
from lineside.settling import Settling
from lineside.site import SiteFile, kafka_settings, read_broker_options
from lineside.source_choice import SourceChoice
from lineside.status_line import StatusLine
from lineside.stopping import stop_in_order
from lineside.summary import RunSummary, write_summary
from lineside.supervisor import ChildFailed, Supervisor
from lineside.terminal import out, print_error
from lineside.up_options import UpOptions
from storage.database import Database
from storage.history import History
from storage.ledger import LedgerStore
from storage.line_states import LineStateStore
from storage.lines import LineRegistry
from storage.migrate import migrate
from storage.objects import open_payload_store
from wire.errors import ConfigurationError, MustStop, RetryLater
from wire.kafka.settings import KafkaSettings
from wire.kafka.topics_admin import ensure_topics

_TICK_S: Final = 0.1
# One interpreter; on cores that others keep busy it took more than 15 s. Larger: a broker that hangs is told of later.
_BROKER_START_S: Final = 60.0
# Twelve interpreters that import torch, asyncua and Faust on two cores take about half a minute.
_READY_S: Final = 180.0
_HOPELESS_RESTARTS: Final = 2
_WRONG_CONFIGURATION: Final = 2  # the exit code that every room uses for it
# A backlog of minutes may be worked off; a site that never settles must end nevertheless.
_SETTLE_S: Final = 600.0
# Lines times four keeps lines apart on their partitions most of the time (CONVENTIONS §2.4).
_KAFKA_PARTITIONS: Final = 24


class EndAsked(MustStop):
    """Ctrl-C came before the site was up."""


def run(options: UpOptions) -> int:
    """Run a site; the exit code. ConfigurationError if the options cannot be."""
    source = options.check()
    lines = plan_lines(options, source)
    folder = DataFolder(root=options.data_dir)
    folder.make()
    with folder.needing_room(), closing(folder.lock()), Interruption() as interruption, StatusLine(out) as status:
        up = _Up(options, source, lines, folder, interruption, status)
        try:
            return up.run()
        finally:
            up.close()


class _Up:
    """One run, from migration to ledger."""

    def __init__(
        self,
        options: UpOptions,
        source: SourceChoice,
        lines: tuple[PlannedLine, ...],
        folder: DataFolder,
        interruption: Interruption,
        status: StatusLine,
    ) -> None:
        self._options = options
        self._folder = folder
        self._interruption = interruption
        self._status = status
        self._started_at = datetime.now(UTC)
        page_port = options.port or PortPlan(0).take()
        self._site = SitePlan(
            options=options,
            source=source,
            lines=lines,
            folder=folder,
            database=options.database or folder.database_url,
            objects=options.objects or folder.objects_url,
            page_port=page_port,
        )
        self._roster = Roster(self._site, PortPlan(options.telemetry_port, given=[page_port]))
        self._supervisor = Supervisor(status.tell)
        self._status.show("migrating the database")
        migrate(self._site.database)
        self._database = Database(self._site.database)
        self._payloads = open_payload_store(self._site.objects)
        self._ledgers = LedgerStore(self._database)
        self._states = LineStateStore(self._database, self._payloads)
        self._summary = RunSummary(History(self._database), self._ledgers, [line.line for line in lines])
        self._retention = DailyRetention(
            retention_command(folder, database=self._site.database, objects=self._site.objects), status.tell
        )
        self._plant: PlantClient | None = None
        self._kafka: KafkaSettings | None = None
        self._streamed_s = 0.0
        self._space = DiskSpace(folder.root, status.tell)
        self._site_is_written = False

    def run(self) -> int:
        """Start, stream, settle, stop, tell.

        The exit code: 0, or 1 if it failed, a frame is unaccounted for or something never found its place.
        """
        failed = False
        speed: ModelSpeed | None = None
        try:
            self._start()
            speed = ModelSpeed(f"{self._roster.telemetry['inspect']}/metrics")
            self._stream(speed)
            if self._options.duration_s is not None and not self._interruption.asked:
                failed = not self._settle(speed)
        except EndAsked:
            pass
        except ChildFailed as error:
            print_error(str(error))
            failed = True
        finally:
            self._stop()
        return self._finish(speed, failed=failed)

    def close(self) -> None:
        """Let go of database and object store; whatever still runs is killed."""
        self._supervisor.kill_all()
        self._payloads.close()
        self._database.close()

    def _start(self) -> None:
        """Start every process and wait until each says that it is ready."""
        registry = LineRegistry(self._database)
        for line in self._site.lines:
            registry.upsert(line.spec)
        broker = self._kafka = self._broker()
        if self._site.source.has_plant:
            self._supervisor.start(self._roster.plant(self._commissioned()))
            self._plant = PlantClient(self._roster.plant_control)
        for spec in self._roster.workers(broker):
            self._supervisor.start(spec)
        self._supervisor.start(self._roster.dashboard(broker))
        connectors = self._roster.connectors(broker)
        if self._site.source.has_plant:
            for spec in connectors:
                self._supervisor.start(spec)
        if self._options.verdicts_to_plc:
            self._supervisor.start(self._roster.results(broker))
        self._write_site()
        self._wait_for("readyz", [child.spec.name for child in self._supervisor.children if child.spec.ready_url])
        if not self._site.source.has_plant:
            # A replay streams from its start, so it comes when everybody listens.
            for spec in connectors:
                self._supervisor.start(spec)
            self._write_site()
            # Not until they are ready: a camera that is away may come later, and the line waits for it.
            self._wait_for("livez", [spec.name for spec in connectors])
        self._write_site()
        self._status.tell(f"Lineside is up: {self._page} (logs in {self._folder.root / 'logs'}; Ctrl-C ends it)")

    def _broker(self) -> KafkaSettings:
        options = self._options
        if not options.embedded_broker:
            settings = kafka_settings(
                options.broker, options=read_broker_options(options.broker_options), where="--broker"
            )
            try:
                ensure_topics(settings, _KAFKA_PARTITIONS)
            except RetryLater as error:
                raise ConfigurationError([f"--broker: {error}"]) from error
            return settings
        self._folder.broker_address.unlink(missing_ok=True)
        self._supervisor.start(self._roster.broker())
        self._wait(self._folder.broker_address.exists, _BROKER_START_S, "the embedded broker")
        address = json.loads(self._folder.broker_address.read_text(encoding="utf-8"))
        return kafka_settings(address["bootstrap"], embedded=True, where="embedded broker")

    def _commissioned(self) -> set[str]:
        """The lines whose product was learned in an earlier run on the same database."""
        product = self._site.source.first_product
        return {line.line for line in self._site.lines if self._states.active(line.line, product) is not None}

    def _wait_for(self, page: str, names: Sequence[str]) -> None:
        """Wait until this page of each child says that all is well."""
        readiness = Readiness({name: f"{self._roster.telemetry[name]}/{page}" for name in names})
        try:

            def all_ready() -> bool:
                waiting = readiness.waiting_for()
                self._status.show(f"starting {len(names)} processes; waiting for {', '.join(waiting)}")
                return not waiting

            self._wait(all_ready, _READY_S, "the processes", lambda: str(readiness.waiting_for()))
        finally:
            readiness.close()

    def _wait(
        self, condition: Callable[[], bool], timeout_s: float, what: str, why: Callable[[], str] = lambda: ""
    ) -> None:
        deadline_s = time.monotonic() + timeout_s
        while not condition():
            if self._interruption.asked:
                raise EndAsked("end asked for")
            if time.monotonic() > deadline_s:
                raise ChildFailed(f"{what} did not become ready within {timeout_s:g} s {why()}".rstrip())
            self._supervisor.check()
            self._give_up_on_failing_children()
            time.sleep(_TICK_S)

    def _give_up_on_failing_children(self) -> None:
        """During the start: what ended three times, or says that its configuration is wrong, will not come up."""
        for child in self._supervisor.children:
            if child.restarts >= _HOPELESS_RESTARTS or child.last_exit == _WRONG_CONFIGURATION:
                raise ChildFailed(
                    f"{child.spec.name} does not start; the end of {child.spec.log}:\n{child.last_words()}"
                )

    def _stream(self, speed: ModelSpeed) -> None:
        """Let the plant produce until the time is over or the end is asked for; keep everything alive meanwhile."""
        self._begin_production()
        began_s = time.monotonic()
        progress = Progress(self._summary, self._status)
        commissioning = Commissioning(self._plant, self._states, self._status.tell) if self._plant else None
        second = 0
        while not self._interruption.asked:
            self._streamed_s = time.monotonic() - began_s
            if self._options.duration_s is not None and self._streamed_s >= self._options.duration_s:
                break
            self._look_after_children()
            if int(self._streamed_s) > second:
                second = int(self._streamed_s)
                self._begin_production()  # a plant that was started again waits to be told
                self._space.look()
                if not self._site_is_written:
                    self._write_site()
                speed.look()
                if commissioning is not None:
                    commissioning.look()
                if self._options.retention:
                    self._retention.look(self._streamed_s)
                progress.show(self._streamed_s, learning=commissioning.learning if commissioning else ())
            time.sleep(_TICK_S)

    def _settle(self, speed: ModelSpeed) -> bool:
        """End the production, then wait until everything has found its place; False if something never did."""
        self._end_production()
        settling = Settling(self._ledgers, self._folder.root / "watch")
        deadline_s = time.monotonic() + _SETTLE_S
        while not settling.look():
            if self._interruption.asked:
                return True
            if settling.stuck or time.monotonic() > deadline_s:
                self._status.tell(f"not everything settled: {settling.reason}")
                return False
            self._status.show(f"settling: {settling.reason}")
            self._look_after_children()
            speed.look()
            time.sleep(_TICK_S * 3)
        return True

    def _look_after_children(self) -> None:
        """Start again what ended, and say so in the site file."""
        if self._supervisor.check():
            self._write_site()

    def _begin_production(self) -> None:
        if self._plant is not None:
            try:
                self._plant.start()
            except RetryLater:
                return  # it is being started again; the supervisor will tell

    def _end_production(self) -> None:
        if self._plant is None:
            replays = [
                name for child in self._supervisor.children if (name := child.spec.name).startswith("connector-")
            ]
            self._supervisor.stop(replays, within_s=5.0)
            return
        try:
            self._plant.stop()
        except RetryLater as error:
            self._status.tell(f"the plant could not be asked to stop: {error}")

    def _stop(self) -> None:
        self._status.show("stopping")
        self._retention.stop()
        stop_in_order(self._supervisor, self._end_production, self._ledgers, self._folder, self._interruption)

    def _finish(self, speed: ModelSpeed | None, *, failed: bool) -> int:
        self._write_stop()
        ledger = self._ledgers.read()
        out.print(ledger_table(ledger))
        out.print(ledger_verdict(ledger))
        if self._options.summary is not None:
            document = self._summary.document(
                streamed_s=self._streamed_s,
                model_fps=speed.parts_per_s if speed else None,
                restarts=self._supervisor.restarts,
            )
            write_summary(self._options.summary, document)
            out.print(f"summary written to {self._options.summary}", soft_wrap=True)
        return 1 if failed or ledger.totals.unaccounted else 0

    @property
    def _page(self) -> str:
        return f"http://{HOST}:{self._site.page_port}/"

    def _write_stop(self) -> None:
        """Say in the site file that nothing runs any more."""
        site = SiteFile.read(self._folder.site_file)
        if site is not None:
            stopped = site.model_copy(update={"stopped_at": datetime.now(UTC), "pids": {}})
            self._on_disk(lambda: stopped.write(self._folder.site_file))

    def _write_site(self) -> None:
        """Tell the other commands what runs where. On a full disk the file stays as it was, until there is room."""
        broker = self._kafka
        if broker is None:
            return  # nothing to tell before the broker is known
        site = SiteFile(
            started_at=self._started_at,
            bootstrap=broker.bootstrap,
            embedded=broker.embedded,
            broker_options=self._options.broker_options and self._options.broker_options.resolve(),
            database=self._site.database,
            objects=self._site.objects,
            page=self._page,
            plant_control=self._roster.plant_control,
            lines=tuple(line.line for line in self._site.lines),
            telemetry=self._roster.telemetry,
            pids=self._supervisor.pids(),
        )

        def write() -> None:
            site.write(self._folder.site_file)
            write_prometheus_file(self._folder.prometheus, self._roster.telemetry)

        self._site_is_written = self._on_disk(write)

    def _on_disk(self, write: Callable[[], None]) -> bool:
        """Whether there was room for it."""
        try:
            write()
        except OSError as error:
            if not is_no_room(error):
                raise
            return False
        return True
