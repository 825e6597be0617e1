"""``lineside plant``: the virtual plant as a process, and faults in a running one."""

from typing import TYPE_CHECKING, Annotated

import typer

from lineside.commands.options import ConfigFile, SetFlags
from lineside.commands.site_command import site_command

if TYPE_CHECKING:
    from lineside.site import Site

app = typer.Typer(help="The virtual plant: run it, look at it, make something go wrong.", no_args_is_help=True)


@app.command()
def run(config: ConfigFile, set_flags: SetFlags = None) -> None:
    """Run the plant until SIGTERM."""
    from lineside.plant.process import run as run_plant
    from lineside.plant.settings import PlantSettings
    from lineside.quick_end import end_now
    from wire.logs import configure_logging
    from wire.settings_layers import load

    configure_logging("plant", json=False)
    run_plant(load(config, PlantSettings, set_flags or ()))
    end_now(0)


@app.command()
@site_command("plant")
def state(site: "Site") -> None:
    """What every line of the plant does, as JSON."""
    from lineside.plant_client import PlantClient
    from lineside.terminal import print_json

    print_json(PlantClient(site.plant_control).state())


@app.command()
@site_command("plant")
def fault(
    site: "Site",
    name: Annotated[str, typer.Argument(help="camera_drops, corrupt_image, late_sensor, server_restart, …")],
    line: Annotated[str | None, typer.Option(help="Only this line; else all.")] = None,
    count: Annotated[int, typer.Option(min=1, help="How many parts it happens to.")] = 1,
) -> None:
    """Make something go wrong with the next parts."""
    from lineside.plant_client import PlantClient
    from lineside.terminal import out

    done = PlantClient(site.plant_control).inject(name, line=line, count=count)
    out.print(f"{done['fault']} for {done['count']} part(s) of {', '.join(done['lines'])}")


@app.command("defect-rate")
@site_command("plant")
def defect_rate(
    site: "Site",
    rate: Annotated[float, typer.Argument(min=0, max=1, help="Share of defective parts, 0 to 1.")],
    line: Annotated[str | None, typer.Option(help="Only this line; else all.")] = None,
) -> None:
    """Make more or fewer of the next parts defective: what an alert of the anomaly rate is tried with."""
    from lineside.plant_client import PlantClient
    from lineside.terminal import out

    done = PlantClient(site.plant_control).set_defect_rate(rate, line=line)
    out.print(f"{done['rate']:.0%} of the parts of {', '.join(done['lines'])} are defective from now on")
