"""The offline bundle, installed and run where there is no route to anything: in a network namespace of its own."""

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
import yaml

from tests.chart.pictures import write_pictures
from tests.chart.rendering import REPOSITORY
from tests.components.fetched import run
from tests.components.requirement import require

# Everything takes 11 GB of disk and some minutes: the long form. The short one has the connectors alone.
SOAK = bool(os.environ.get("LINESIDE_SOAK"))
# Fetches and unpacks a hundred packages, in the long form those with torch.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600 if SOAK else 900)]
STAGE = "site" if SOAK else "edge"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked archive that `make bundle` writes."""
    require("netns")
    folder = tmp_path_factory.mktemp("bundle")
    run(["make", "--no-print-directory", ".cache/image-tools/.ready"], cwd=REPOSITORY)
    run([REPOSITORY / "image" / "bundle", folder / "bundle.tar", REPOSITORY / ".cache" / "image-tools", STAGE])
    run(["tar", "--extract", "--file", folder / "bundle.tar", "--directory", folder])
    (folder / "bundle.tar").unlink()
    return next(folder.glob("lineside-*"))


@pytest.fixture(scope="module")
def installed(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("offline") / "lineside"
    answer = offline(f"{bundle}/install.sh --stage {STAGE} --to {target}", bundle)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert f"Installed in {target}" in answer.stdout
    return target


def offline(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a script on a machine whose only network is its own loopback, with no setting or cache of ours."""
    return subprocess.run(
        ["unshare", "--net", "bash", "-euo", "pipefail", "-c", f"ip link set lo up\n{script}"],
        cwd=folder, capture_output=True, text=True, check=False,
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
    )  # fmt: skip


def test_there_is_no_way_out_of_where_it_is_installed(bundle: Path) -> None:
    answer = offline("ip route show; ip -brief address show scope global", bundle)

    assert (answer.returncode, answer.stdout) == (0, "")


def test_it_holds_all_that_an_installation_needs_and_sums_of_it(bundle: Path) -> None:
    names = {path.name for path in bundle.iterdir()}
    assert names == {"README.md", "SHA256SUMS", "chart", "install.sh", "sbom", "source", "weights", "wheels"}
    assert (bundle / "source" / "Dockerfile").is_file()
    assert (bundle / "weights" / "weights.safetensors").is_file()
    assert (bundle / "sbom" / f"{STAGE}.cdx.json").is_file()
    with tarfile.open(next((bundle / "chart").glob("*.tgz"))) as chart:
        assert "lineside/values.schema.json" in chart.getnames()
    listed = {line.split("  ", 1)[1] for line in (bundle / "SHA256SUMS").read_text().splitlines()}
    assert listed == {f"./{path.relative_to(bundle)}" for path in bundle.rglob("*") if path.is_file()} - {
        "./SHA256SUMS"
    }


@pytest.mark.skipif(SOAK, reason="the long form runs a whole site instead")
def test_a_connector_streams_on_a_machine_without_network(installed: Path, tmp_path: Path) -> None:
    write_pictures(tmp_path / "pictures", 10)
    address = tmp_path / "broker.json"
    (tmp_path / "broker.yaml").write_text(
        yaml.safe_dump({"address_file": str(address), "partitions": 2, "telemetry": {"port": 9101}})
    )
    (tmp_path / "replay.yaml").write_text(yaml.safe_dump({
        "line": "plant1.hall1.press1", "broker": {"bootstrap": "127.0.0.1:1", "embedded": True},
        "objects": f"file://{tmp_path}/objects", "spool": {"directory": str(tmp_path / "spool")},
        "telemetry": {"port": 9100},
        "sources": [{"source": "plant1.hall1.press1/camera1", "folder": str(tmp_path / "pictures"), "rate_fps": 20.0}],
    }))  # fmt: skip
    script = f"""
        export PATH={installed}/bin:$PATH
        connector=
        lineside broker --config broker.yaml & broker=$!
        trap 'kill $broker $connector' EXIT
        timeout 60 bash -c 'until [ -s {address} ]; do read -rt 0.2 <> <(:) || true; done'
        export LINESIDE_BROKER__BOOTSTRAP=$(sed 's/.*"bootstrap": "\\([^"]*\\)".*/\\1/' {address})
        python -m connectors replay --config replay.yaml & connector=$!
        timeout 60 bash -c 'until python -m wire.probe 127.0.0.1:9100/readyz 2>/dev/null; do :; done'
        timeout 60 bash -c 'until python - <<END
import sys, urllib.request
text = urllib.request.urlopen("http://127.0.0.1:9100/metrics").read().decode()
sys.exit("outcome=\\"published\\",source=\\"plant1.hall1.press1/camera1\\"}} 10.0" not in text)
END
do :; done'
        kill $connector; wait $connector
    """

    answer = offline(script, tmp_path)

    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.skipif(not SOAK, reason="3 GB are installed: LINESIDE_SOAK=1, as `make soak` does")
def test_a_whole_site_runs_on_a_machine_without_network(installed: Path, tmp_path: Path) -> None:
    answer = offline(
        f"export PATH={installed}/bin:$PATH\nlineside up --duration 20 --port 0\nlineside ledger", tmp_path
    )

    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_a_damaged_archive_is_not_installed(bundle: Path, tmp_path: Path) -> None:
    copy = tmp_path / "bundle"
    shutil.copytree(bundle, copy, copy_function=os.link)
    damaged = next((copy / "chart").glob("*.tgz"))
    damaged.unlink()
    damaged.write_bytes(b"cut off")

    answer = offline(f"{copy}/install.sh --stage {STAGE} --to {tmp_path}/lineside", tmp_path)

    assert answer.returncode == 1
    assert "the archive was damaged on its way" in answer.stderr
    assert not (tmp_path / "lineside").exists()


def test_a_stage_that_the_bundle_lacks_is_named_with_those_it_has(bundle: Path, tmp_path: Path) -> None:
    answer = offline(f"{bundle}/install.sh --stage gpu", tmp_path)

    assert answer.returncode == 2
    assert f"this bundle has no stage gpu; it has {STAGE}" in answer.stderr
