"""``lineside register``: where a 3D sensor stands that was knocked or mounted anew."""

from pathlib import Path
from typing import Annotated

import typer

# Below, the two clouds show different things, or too little of the same.
_ENOUGH = 0.5


def register(
    cloud: Annotated[Path, typer.Argument(metavar="CLOUD", help="What the sensor sees now: .ply .pcd .las .laz .xyz")],
    reference: Annotated[Path, typer.Argument(metavar="REFERENCE", help="The same thing, seen before.")],
    voxel_mm: Annotated[float, typer.Option(min=1e-3, help="Thinned to one point per cube of this size.")] = 2.0,
    scale: Annotated[float, typer.Option(min=1e-9, help="mm per unit of both files.")] = 1.0,
    calibration: Annotated[
        Path | None, typer.Option(help="The sensor's calibration: prints the version that holds from now on.")
    ] = None,
    version: Annotated[str, typer.Option(help="Name of that version.")] = "registered",
) -> None:
    """How a 3D sensor was moved, from a cloud of a thing that it had seen before.

    Prints shift, turn and fit; with --calibration also the version to append to the file, so that its clouds go on
    lying on the camera's picture. Nothing is changed. Exit code 1 if the clouds do not fit.
    """
    from lineside.cloud_registration import register as lay
    from lineside.moved_sensor import moved_version, read_cloud
    from lineside.terminal import out, print_error

    found = lay(read_cloud(cloud, scale), read_cloud(reference, scale), voxel_mm=voxel_mm)
    shift = ", ".join(f"{value:.3f}" for value in found.shift_mm)
    out.print(f"# moved by {shift} mm and {found.turn_deg:.3f} degrees", soft_wrap=True)
    out.print(f"# {found.fitness:.0%} of the points fit, {found.rmse_mm:.3g} mm apart", soft_wrap=True)
    if found.fitness < _ENOUGH:
        print_error("the clouds do not fit: do both show the same thing, and enough of it? Try another --voxel-mm")
        raise typer.Exit(1)
    if calibration is not None:
        out.print(moved_version(calibration, found, name=version), soft_wrap=True, markup=False)
