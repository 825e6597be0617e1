"""Whatever is damaged on its way becomes a typed error, which quarantines it: no crash, no hang, no bug's exception."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
# The short form takes half a minute on a busy machine. A failure names seed and number: the payload can be made again.
COUNT, PROCESSES = (10_000, 4) if os.environ.get("LINESIDE_SOAK") else (600, 1)

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.timeout(3600 if PROCESSES > 1 else 300)]


@pytest.mark.parametrize("seed", range(PROCESSES))
def test_damaged_payloads_and_files_are_refused_by_name(seed: int) -> None:
    pytest.importorskip("laspy", reason="laspy is part of the extra `worker`")
    found = subprocess.run(
        [sys.executable, "-m", "tests.faults.payload_mutations", str(seed), str(COUNT // PROCESSES)],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert found.returncode == 0, found.stderr[-3000:]
    result = json.loads(found.stdout)
    assert result["wrong"] == []
    assert sum(result["outcomes"].values()) == result["count"] == COUNT // PROCESSES
    refused = {name.split()[0] for name in result["outcomes"] if name.endswith("refused")}
    assert refused >= {"image", "cloud", "sensor", "buffer", "sidecar", "record", "headers", "settings"}
