"""The options of ``lineside up``, checked as far as they can be without starting anything."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lineside.plant.faults import FaultPlan
from lineside.ports import check_free
from lineside.source_choice import SourceChoice
from wire.errors import ConfigurationError

EMBEDDED = "embedded"


@dataclass(frozen=True, kw_only=True)
class UpOptions:
    """Everything a person may decide. ``rate_hz``: parts per second and line; ``port`` 0: any free one."""

    source: str = "procedural"
    lines: int = 2
    rate_hz: float = 1.0
    duration_s: float | None = None
    summary: Path | None = None
    data_dir: Path = Path("lineside-data")
    broker: str = EMBEDDED
    broker_options: Path | None = None
    database: str | None = None
    objects: str | None = None
    port: int = 8080
    telemetry_port: int = 9600
    faults: str = ""
    defect_rate: float = 0.1
    learning_parts: int = 32
    recipe: str = "embedded"
    recipe_changes: Mapping[str, str] = field(default_factory=dict)
    retention: bool = True
    verdicts_to_plc: bool = False

    @property
    def embedded_broker(self) -> bool:
        """Whether the broker is one of the site's own processes."""
        return self.broker == EMBEDDED

    def check(self) -> SourceChoice:
        """Find every mistake that can be found now. ConfigurationError lists them all."""
        problems: list[str] = []
        choice: SourceChoice | None = None
        try:
            choice = SourceChoice.parse(self.source)
        except ConfigurationError as error:
            problems += error.problems
        for check in (
            lambda: FaultPlan.parse(self.faults),
            lambda: check_free([("--port", self.port)]),
            self._check_recipe,
        ):
            try:
                check()
            except ConfigurationError as error:
                problems += error.problems
        if self.faults and choice is not None and not choice.has_plant:
            problems.append("--faults: only the virtual plant has faults, and a video or RTSP source runs without it")
        if self.verdicts_to_plc and choice is not None and not choice.has_plant:
            problems.append("--verdicts-to-plc: a video or RTSP source has no PLC")
        if self.summary is not None and not self.summary.resolve().parent.is_dir():
            problems.append(f"--summary: the folder {self.summary.resolve().parent} does not exist")
        if not self.embedded_broker and ":" not in self.broker:
            problems.append(f"--broker: {self.broker!r} is neither `embedded` nor HOST:PORT")
        if problems or choice is None:
            raise ConfigurationError(problems)
        return choice

    def _check_recipe(self) -> None:
        if self.recipe_changes or self.recipe != UpOptions.recipe:
            # Here and not at the top: a site that changes nothing starts without torch, three seconds sooner.
            from models.recipes.recipe import check_files, read_recipe

            check_files(self.recipe, read_recipe(self.recipe, self.recipe_changes))
