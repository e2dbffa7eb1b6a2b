"""Unmodified npm clients; the scripts are in `node/`, one file a subject, run by node's own test runner."""

import os
import pathlib
import subprocess

import pytest

SCRIPTS = pathlib.Path(__file__).parent / "node"


@pytest.mark.parametrize("script", sorted(path.name for path in SCRIPTS.glob("*.test.js")))
def test_node_sdks(server, script):
    if server.endpoints["ports"]["https"] != 443:
        raise RuntimeError("npm clients reach port 443 only: run as a user who may listen there")
    environment = {
        **os.environ,
        "MUSTER_ENDPOINTS": str(server.data / "endpoints.json"),
        "NODE_EXTRA_CA_CERTS": server.ca_file,
    }
    done = subprocess.run(
        ["node", "--test", SCRIPTS / script], capture_output=True, text=True, timeout=180, env=environment, cwd=SCRIPTS
    )
    assert done.returncode == 0, done.stdout + done.stderr
