"""A real `muster serve` on the ports that stock SDKs insist on, and a back end that speaks its REST API."""

import base64
import hashlib
import hmac
import json
import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.parse

import pytest
import requests

import applicant
import factory

ROOT = pathlib.Path(__file__).resolve().parents[2]
READY_S = 20


def pytest_configure():
    # The machine may point these at the system store; the clients here must trust our own root and nothing else.
    for name in ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE"]:
        os.environ.pop(name, None)


class Server:
    """`muster serve` as a process of its own: as it is out of the box, or with a configuration."""

    def __init__(self, data, configuration=None, environment=None):
        binary = pathlib.Path(os.environ.get("MUSTER_BIN", ROOT / "target" / "debug" / "muster"))
        if not binary.exists():
            raise RuntimeError(f"{binary} is missing: build it with `cargo build --bin muster`")
        command = [binary, "serve", "--data", data]
        if configuration is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", 8883)) == 0:
                    raise RuntimeError("port 8883 is taken; stop whatever listens there: SDKs cannot be told another port")
        else:
            file = data.parent / "muster.toml"
            file.write_text(configuration)
            command += ["--config", file]
        self.data = data
        self.binary = binary
        ready = data / "endpoints.json"
        ready.unlink(missing_ok=True)
        self.log = open(data.parent / "serve.log", "ab")
        environment = {**os.environ, **(environment or {})}
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, env=environment)
        deadline = time.monotonic() + READY_S
        while not ready.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("muster serve did not become ready:\n" + (data.parent / "serve.log").read_text())
            time.sleep(0.02)
        self.endpoints = json.loads(ready.read_text())
        self.ca_file = self.endpoints["caFile"]
        self.ca_pem = pathlib.Path(self.ca_file).read_text()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=15)
        self.log.close()
        return code

    def muster(self, *arguments):
        """The CLI, against this server."""
        done = subprocess.run([self.binary, *arguments, "--data", self.data], capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise RuntimeError(f"muster {arguments}: {done.stdout}{done.stderr}")
        return done.stdout


class BackEnd:
    """A service client with a connection string: a SAS token a call, as the service SDKs do."""

    def __init__(self, connection_string, port, ca_file, api_version=None):
        parts = dict(part.split("=", 1) for part in connection_string.split(";"))
        self.host, self.policy, self.key = parts["HostName"], parts["SharedAccessKeyName"], parts["SharedAccessKey"]
        self.base = f"https://{self.host}:{port}"
        self.api_version = api_version
        self.session = requests.Session()
        self.session.verify = ca_file

    def token(self):
        resource = urllib.parse.quote(self.host, safe="")
        expiry = int(time.time()) + 3600
        digest = hmac.new(base64.b64decode(self.key), f"{resource}\n{expiry}".encode(), hashlib.sha256).digest()
        signature = urllib.parse.quote(base64.b64encode(digest), safe="")
        return f"SharedAccessSignature sr={resource}&sig={signature}&se={expiry}&skn={self.policy}"

    def call(self, method, path, body=None, headers=None, expect=(200, 204)):
        headers = {"Authorization": self.token(), **(headers or {})}
        params = {"api-version": self.api_version} if self.api_version else None
        answer = self.session.request(
            method, f"{self.base}{path}", params=params, json=body, headers=headers, timeout=30
        )
        assert answer.status_code in expect, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("muster") / "data")
    yield server
    assert server.stop() == 0, "muster serve ends with 0 after SIGTERM"


@pytest.fixture(scope="session")
def dps(server):
    endpoints = server.endpoints
    return BackEnd(endpoints["dps"]["serviceConnectionString"], endpoints["ports"]["https"], server.ca_file, "2021-10-01")


def authority_of(server):
    """The certificate authority's REST API."""
    endpoints = server.endpoints
    return BackEnd(endpoints["ca"]["serviceConnectionString"], endpoints["ports"]["https"], server.ca_file)


@pytest.fixture(scope="session")
def ca(server):
    return authority_of(server)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def any_ports(more=""):
    """A configuration for a server beside others."""
    return f"ports = {{ mqtts = 0, https = 0, amqps = 0, http = {free_port()} }}\n{more}"


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    """A server of its own for everything about certificates."""
    server = Server(tmp_path_factory.mktemp("pki") / "data", any_ports())
    yield server
    assert server.stop() == 0, "muster serve ends with 0 after SIGTERM"


@pytest.fixture(scope="session")
def desk(pki, tmp_path_factory):
    """Where certificates of that server are asked for."""
    return applicant.Applicant(authority_of(pki), tmp_path_factory.mktemp("given"))


@pytest.fixture(scope="session")
def hubs(server):
    endpoints = server.endpoints
    return {
        hub["hostName"]: BackEnd(hub["ownerConnectionString"], endpoints["ports"]["https"], server.ca_file, "2021-04-12")
        for hub in endpoints["hubs"]
    }


@pytest.fixture(scope="session")
def maker(tmp_path_factory):
    """A device maker with a root, an intermediate and a place for the files that SDKs want."""
    return factory.Maker(tmp_path_factory.mktemp("maker"))
