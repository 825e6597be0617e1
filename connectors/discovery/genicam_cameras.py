"""GigE Vision and USB3 Vision cameras that answer on this machine's networks and ports."""

from typing import Final

from connectors.discovery.device import Findings, FoundDevice
from connectors.errors import SourceUnavailable
from connectors.genicam.aravis_library import AravisLibrary, text

_KINDS: Final = {"GigEVision": "gige", "USB3Vision": "usb3"}


class GenicamCameras:
    """Asks by Aravis' broadcast, which takes a second; cameras of another subnet do not hear it."""

    def find(self) -> Findings:
        """Every camera that answered, by its id, which stays when its address changes."""
        try:
            library = AravisLibrary()
        except SourceUnavailable as error:
            return Findings(trouble=f"no GigE or USB3 Vision cameras are looked for: {error}")
        library.ask("arv_update_device_list")
        return Findings(devices=[_device(library, at) for at in range(library.ask("arv_get_n_devices"))])


def _device(library: AravisLibrary, at: int) -> FoundDevice:
    def said(what: str) -> str:
        return text(library.ask(f"arv_get_device_{what}", at))

    return FoundDevice(
        kind=_KINDS.get(said("protocol"), "genicam"),
        address=said("address") or said("id"),
        name=f"{said('vendor')} {said('model')}".strip(),
        details=[f"id: {said('id')}", f"serial number: {said('serial_nbr')}"],
        settings={"camera": said("id")},
    )
