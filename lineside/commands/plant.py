"""``lineside plant``: the virtual plant as a process, and faults in a running one."""

from typing import Annotated

import typer

from lineside.commands.options import DEFAULT_DATA_DIR, ConfigFile, DataDir, SetFlags

app = typer.Typer(help="The virtual plant: run it, look at it, make something go wrong.", no_args_is_help=True)

PlantUrl = Annotated[
    str | None, typer.Option("--url", envvar="LINESIDE_PLANT", help="Address of the plant's control API.")
]


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
def state(url: PlantUrl = None, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """What every line of the plant does, as JSON."""
    from lineside.plant_client import PlantClient
    from lineside.site import Site
    from lineside.terminal import print_json

    print_json(PlantClient(url or Site(data_dir=data_dir).plant_control).state())


@app.command()
def fault(
    name: Annotated[str, typer.Argument(help="camera_drops, corrupt_image, late_sensor, server_restart, …")],
    line: Annotated[str | None, typer.Option(help="Only this line; else all.")] = None,
    count: Annotated[int, typer.Option(min=1, help="How many parts it happens to.")] = 1,
    url: PlantUrl = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Make something go wrong with the next parts."""
    from lineside.plant_client import PlantClient
    from lineside.site import Site
    from lineside.terminal import out

    done = PlantClient(url or Site(data_dir=data_dir).plant_control).inject(name, line=line, count=count)
    out.print(f"{done['fault']} for {done['count']} part(s) of {', '.join(done['lines'])}")


@app.command("defect-rate")
def defect_rate(
    rate: Annotated[float, typer.Argument(min=0, max=1, help="Share of defective parts, 0 to 1.")],
    line: Annotated[str | None, typer.Option(help="Only this line; else all.")] = None,
    url: PlantUrl = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Make more or fewer of the next parts defective: what an alert of the anomaly rate is tried with."""
    from lineside.plant_client import PlantClient
    from lineside.site import Site
    from lineside.terminal import out

    done = PlantClient(url or Site(data_dir=data_dir).plant_control).set_defect_rate(rate, line=line)
    out.print(f"{done['rate']:.0%} of the parts of {', '.join(done['lines'])} are defective from now on")
