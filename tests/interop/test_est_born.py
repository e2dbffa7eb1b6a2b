"""EST for devices that were born with a certificate of their manufacturer's, made and shown with openssl and curl."""

import base64
import json
import subprocess
import types

import pytest

from enrolling import TYPE, ask, base64_of, ca_of_pki, certificate_of, curl, lab, post
from judges import openssl

IDEVID = "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
AUTHORITY = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"


class Manufacturer:
    """A root, the authority of a line below it, and devices."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.root = self.make("root", f"/O={name}/CN={name} root", AUTHORITY)
        self.line = self.make("line", f"/O={name}/CN={name} line 1", AUTHORITY, self.root)

    def make(self, stem, subject, extensions, issuer=None):
        file = lambda kind: self.folder / f"{self.name}-{stem}.{kind}"
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", file("key"))
        openssl("req", "-new", "-key", file("key"), "-subj", subject, "-out", file("csr"))
        file("ext").write_text(extensions)
        signer = ["-CA", issuer.file, "-CAkey", issuer.key] if issuer else ["-signkey", file("key")]
        openssl("x509", "-req", "-in", file("csr"), *signer, "-days", "10000", "-extfile", file("ext"), "-out", file("pem"))
        return types.SimpleNamespace(file=file("pem"), key=file("key"))

    def device(self, serial_number, extensions=IDEVID):
        made = self.make(serial_number, f"/O={self.name}/CN=Pump/serialNumber={serial_number}", extensions, self.line)
        made.file.write_text(made.file.read_text() + self.line.file.read_text())
        return made


@pytest.fixture(scope="module")
def acme(lab):
    """Its label trusts the root; the devices show the way there."""
    maker = Manufacturer(lab.folder, "Acme")
    lab.server.muster("ca", "est", "label", "put", "acme", "--trust", maker.root.file, "--trust-name", "acme-{serial_number}")
    return maker


@pytest.fixture(scope="module")
def there(lab):
    return types.SimpleNamespace(**{**vars(lab), "url": f"{lab.root}/.well-known/est/acme"})


def showing(device):
    return ["--cert", device.file, "--key", device.key]


def test_a_device_enrolls_by_what_it_was_born_with_and_renews_by_what_it_got(there, acme):
    device = acme.device("A-17")
    key, request = ask(there, "acme-A-17")
    status, kind, out = post(there, "simpleenroll", base64_of(request), *showing(device))
    assert (status, kind) == (200, TYPE), out.read_text()
    file = certificate_of(there, out)
    assert openssl("x509", "-in", file, "-noout", "-subject").strip() == "subject=CN = acme-A-17"
    mine = types.SimpleNamespace(file=file, key=key)
    for operation in ["simplereenroll", "simpleenroll"]:
        status, _, out = post(there, operation, base64_of(request), *showing(mine))
        assert status == 200, out.read_text()
    # What it was born with is for the first one.
    status, _, out = post(there, "simplereenroll", base64_of(request), *showing(device))
    assert status == 403 and "not issued here" in out.read_text()


def test_it_cannot_choose_another_name(there, acme):
    _, request = ask(there, "acme-A-99")
    status, _, out = post(there, "simpleenroll", base64_of(request), *showing(acme.device("A-18")))
    assert status == 400 and "`acme-A-18`" in out.read_text()


def test_it_is_told_its_name_when_it_asks_what_to_ask_for(there, acme):
    device, out = acme.device("A-23"), there.folder / "attributes"
    assert curl(there, "csrattrs", *showing(device), out=out) == (200, "application/csrattrs")
    der = there.folder / "attributes.der"
    openssl("base64", "-d", "-in", out, "-out", der)
    assert "UTF8STRING        :acme-A-23" in openssl("asn1parse", "-inform", "DER", "-in", der)


@pytest.mark.parametrize("stranger", ["other", "server", "alone"])
def test_a_stranger_is_told_nothing(there, acme, stranger):
    match stranger:
        case "other":
            device = Manufacturer(there.folder, "Other").device("A-17")
        case "server":
            device = acme.device("A-20", IDEVID + "extendedKeyUsage=serverAuth\n")
        case "alone":
            device = acme.device("A-21")
            openssl("x509", "-in", device.file, "-out", device.file)
    _, request = ask(there, "acme-A-17")
    status, _, out = post(there, "simpleenroll", base64_of(request), *showing(device))
    assert status == 401 and out.read_text() == "client certificate is of nobody whom this label trusts: ask its operator\n"


def test_what_is_no_authority_is_not_trusted(lab, acme):
    device = acme.device("A-22")
    with pytest.raises(RuntimeError, match="cannot issue certificates"):
        lab.server.muster("ca", "est", "label", "put", "acme2", "--trust", device.file)


class Linked:
    """A TLS connection by `openssl s_client`, which tells what it exports and carries one request."""

    def __init__(self, lab, *options):
        host = lab.root.removeprefix("https://")
        command = ["openssl", "s_client", "-connect", host, "-CAfile", lab.ca_file, "-ign_eof"]
        command += ["-keymatexport", "EXPORTER-Channel-Binding", "-keymatexportlen", "32", *options]
        self.host = host
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def exported(self):
        for line in self.process.stdout:
            if b"Keying material:" in line:
                return bytes.fromhex(line.split(b":")[1].decode().strip())
        raise AssertionError("openssl exported nothing")

    def post(self, path, body, userpass):
        shown = base64.b64encode(userpass.encode()).decode()
        head = f"POST {path} HTTP/1.1\r\nHost: {self.host}\r\nContent-Type: application/pkcs10\r\nConnection: close\r\n"
        head += f"Authorization: Basic {shown}\r\nContent-Length: {len(body)}\r\n\r\n"
        said, _ = self.process.communicate(head.encode() + body, timeout=30)
        answer = said[said.index(b"HTTP/1.1 ") :]
        return int(answer.split()[1]), answer.decode(errors="replace")


def challenged(lab, stem, challenge):
    key, request, settings = (lab.folder / f"{stem}.{kind}" for kind in ["key", "der", "cnf"])
    settings.write_text(
        "[req]\nprompt = no\ndistinguished_name = name\nattributes = attributes\n"
        f"[name]\nCN = {stem}\n[attributes]\nchallengePassword = {challenge}\n"
    )
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
    openssl("req", "-new", "-key", key, "-config", settings, "-outform", "DER", "-out", request)
    return base64_of(request).read_bytes()


@pytest.fixture(scope="module")
def linked(lab):
    lab.server.muster("ca", "est", "label", "put", "linked", "--pop-link", "required")
    made = json.loads(lab.server.muster("ca", "est", "credential", "new", "--label", "linked", "--json"))
    return f"{made['user']}:{made['password']}"


PATH = "/.well-known/est/linked/simpleenroll"


def test_a_request_is_taken_on_the_connection_that_it_was_made_for(lab, linked):
    connection = Linked(lab, "-tls1_3")
    challenge = base64.b64encode(connection.exported()).decode()
    body = challenged(lab, "linked1", challenge)
    status, said = connection.post(PATH, body, linked)
    assert status == 200, said
    # And on no other.
    other = Linked(lab, "-tls1_3")
    assert other.exported()
    status, said = other.post(PATH, body, linked)
    assert status == 403 and "not linked to this connection" in said


def test_without_a_link_or_by_a_version_that_has_none_nothing_is_given_where_it_is_demanded(lab, linked):
    connection = Linked(lab, "-tls1_3")
    status, said = connection.post(PATH, base64_of(ask(lab, "linked2")[1]).read_bytes(), linked)
    assert status == 403 and "challengePassword" in said
    connection = Linked(lab, "-tls1_2")
    body = challenged(lab, "linked3", base64.b64encode(connection.exported()).decode())
    status, said = connection.post(PATH, body, linked)
    assert status == 403 and "TLS 1.3" in said
