"""What somebody does in the Dagster UI: look at the graph, provision an environment, read its plan and its checks."""

from __future__ import annotations

import re
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ils_pipelines.settings.layers import Layer
from tests.browser.page import BROWSER, DRIVER, WAIT_SECONDS, Page, browsing
from tests.end_to_end.conftest import ILS, LocalSandbox

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        BROWSER is None or DRIVER is None, reason="no chromium and chromedriver (Debian: apt install chromium-driver)"
    ),
]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSandbox]:
    local = LocalSandbox(tmp_path_factory.mktemp("browser"))
    local.ils("sandbox", "start")
    try:
        yield local
    finally:
        local.ils("sandbox", "stop")


@pytest.fixture(scope="module")
def page(sandbox: LocalSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    said = sandbox.directory / "ui.log"
    with said.open("w") as log:
        process = subprocess.Popen([str(ILS), "ui", "--port", "3400"], env=sandbox.env, stdout=log, stderr=log)
        try:
            with browsing(_address(process, said), tmp_path_factory.mktemp("profile")) as opened:
                yield opened
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(120)


def _address(process: subprocess.Popen[bytes], said: Path) -> str:
    """Where it is, once it answers."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        assert process.poll() is None, said.read_text()
        assert time.monotonic() < deadline, said.read_text()
        if named := re.search(r"Dagster UI: (http://127\.0\.0\.1:\d+)", said.read_text()):
            with suppress(OSError), urllib.request.urlopen(f"{named[1]}/server_info", timeout=5):
                return named[1]
        time.sleep(0.2)


def run(page: Page, job: str, environment: str) -> None:
    """Start a job in its launchpad and wait for its end."""
    page.open(f"locations/ils_pipelines/jobs/{job}/playground")
    page.write("Partition", environment)
    page.button("Launch Run")
    page.shows("RUN_SUCCESS")


def test_an_environment_is_provisioned_and_looked_at_in_the_browser(page: Page) -> None:
    page.open("asset-groups")
    page.shows("infrastructure", "application", "reports")

    page.open("locations/ils_pipelines/jobs/provision_environment")
    page.button("Materialize all")
    page.choose("Select a partition or create one")
    page.choose("dev")
    page.button("Launch 1 run")
    page.shows_no_more("Launch runs to materialize")
    page.open("runs")
    page.shows("provision_environment", "partition: dev", "Success")

    page.open("assets/vpc")
    page.shows("vpc_id", "resources_changed")

    run(page, "preview_environment", "dev")
    page.open("assets/environment_plan")
    page.shows("plan_digest", "monthly_cost", "No change: " + ", ".join(Layer))

    run(page, "drift_scan", "dev")
    page.open("assets/vpc?view=checks")
    page.shows("drift", "Passed")
