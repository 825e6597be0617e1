"""Whether an inspect worker's memory depends on how much work waits for it."""

from contextlib import closing
from pathlib import Path
from typing import Any, Final

from lineside.bench.backlog import send_backlog
from lineside.bench.comparison import Comparison, Direction
from lineside.bench.inspect_broker import Finished, inspect_broker
from lineside.bench.inspect_site import InspectSite
from lineside.bench.known_lines import RECIPE, learn_lines
from lineside.bench.settings import Scale
from lineside.bench.worker_process import InspectWorker, wait_for
from models.recipes.loader import load_inspector

AIM: Final = 1.2

# Small, so that 20 000 take minutes: undecoded they are 100 MB, decoded 550 MB, either of which would show.
_SIDE_PX: Final = 96
_DEADLINE_S: Final = 3600.0
_MIB: Final = 1024 * 1024


def bench_memory(folder: Path, broker: str, scale: Scale) -> list[Comparison]:
    """Measure the peak memory of a worker with a large backlog against the same with a small one."""
    small, large = scale.memory_parts
    site = InspectSite(folder, learn_lines(load_inspector(RECIPE, threads=1), side_px=_SIDE_PX))
    try:
        with_small = _peak_mib(site, folder, broker, small)
        with_large = _peak_mib(site, folder, broker, large)
    finally:
        site.close()
    return [
        Comparison(
            name="memory",
            unit="MiB",
            product_side=f"peak of inspect with {large} frames waiting",
            baseline_side=f"with {small}",
            product=(with_large,),
            baseline=(with_small,),
            aim=AIM,
            direction=Direction.AT_MOST,
            note=f"pictures of {_SIDE_PX} x {_SIDE_PX} px",
        )
    ]


def _peak_mib(site: InspectSite, folder: Path, bootstrap: str, parts: int) -> float:
    with inspect_broker(bootstrap) as broker:
        send_backlog(site, broker, parts)
        settings: dict[str, Any] = {**site.worker_settings(broker), "inspect": {"model_threads": 1}}
        with closing(Finished(broker)) as finished, InspectWorker(folder, settings) as worker:
            wait_for(finished, worker, _DEADLINE_S)
            return worker.peak_bytes() / _MIB
