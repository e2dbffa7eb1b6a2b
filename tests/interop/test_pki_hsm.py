"""An authority whose private key is in a PKCS#11 token from its first moment: SoftHSM, through the real binary."""

import contextlib
import pathlib
import subprocess

import pytest
from cryptography import x509

import applicant
import judges
import lists
from conftest import Server, any_ports, authority_of

MODULE = pathlib.Path("/usr/lib/softhsm/libsofthsm2.so")
LABEL, PIN = "interop", "246810"


@pytest.fixture(scope="module")
def token(tmp_path_factory):
    """A token of its own, as an environment that finds it."""
    folder = tmp_path_factory.mktemp("token")
    (folder / "tokens").mkdir()
    configuration = folder / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\n")
    (folder / "pin").write_text(f"{PIN}\n")
    environment = {"SOFTHSM2_CONF": str(configuration)}
    init = ["softhsm2-util", "--init-token", "--free", "--label", LABEL, "--pin", PIN, "--so-pin", "13579135"]
    subprocess.run(init, check=True, capture_output=True, env={"PATH": "/usr/bin:/bin", **environment})
    table = f'\n[ca.pkcs11]\nmodule = "{MODULE}"\ntoken = "{LABEL}"\npin_file = "{folder / "pin"}"\n'
    return environment, any_ports(table)


def private_keys(environment):
    """What GnuTLS sees in the token."""
    listed = subprocess.run(
        ["p11tool", "--provider", MODULE, "--login", "--set-pin", PIN, "--list-privkeys", f"pkcs11:token={LABEL}"],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", **environment},
    )
    return listed.stdout.split("Object ")[1:]


def keys_in(data):
    """Private keys of authorities in the data folder; whose they are, their files' names tell."""
    found = []
    for path in data.rglob("*"):
        if path.name.startswith("authority."):
            found.append(path.name)
        # What is being written now has another name by then.
        with contextlib.suppress(FileNotFoundError, IsADirectoryError):
            assert b"PRIVATE KEY" not in path.read_bytes(), path
    return sorted(found)


def test_the_key_is_made_in_the_token_signs_there_and_is_nowhere_else(token, tmp_path):
    environment, configuration = token
    data = tmp_path / "data"
    server = Server(data, configuration, environment)
    try:
        desk = applicant.Applicant(authority_of(server), tmp_path)
        before = keys_in(data)
        assert before == ["authority.issuing.key", "authority.root.key"] and private_keys(environment) == []
        plant = desk.ca.call("PUT", "/ca/authorities/plant", {"parent": "root", "place": "token"}, expect=(201,))
        assert plant["key"].startswith("pkcs11:") and "pin" not in plant["key"]
        assert keys_in(data) == before
        (key,) = private_keys(environment)
        for flag in ("CKA_SENSITIVE", "CKA_NEVER_EXTRACTABLE", "CKA_PRIVATE"):
            assert flag in key

        given = desk.sign("pump-1", authority="plant")
        first = given.certificate
        said = judges.openssl(
            "verify", "-x509_strict", "-CAfile", given.root, "-untrusted", given.between, given.file
        )
        assert said.endswith(": OK\n")
        issuer = x509.load_pem_x509_certificate(given.issuer.read_bytes())
        crl = x509.load_der_x509_crl(lists.published(server, "plant"))
        assert crl.is_signature_valid(issuer.public_key())
        assert PIN not in (tmp_path / "serve.log").read_text()
    finally:
        assert server.stop() == 0

    # It is found again; the sealed passphrase has nothing to do with it.
    server = Server(data, configuration, environment)
    try:
        desk = applicant.Applicant(authority_of(server), tmp_path)
        again = desk.sign("pump-2", authority="plant").certificate
        issuer = x509.load_pem_x509_certificate((tmp_path / "pump-2.issuer.pem").read_bytes())
        again.verify_directly_issued_by(issuer)
        first.verify_directly_issued_by(issuer)
    finally:
        assert server.stop() == 0
