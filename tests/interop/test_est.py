"""EST as clients that are not ours speak it: curl with openssl, strongSwan's pki (pki.md §12.1)."""

import email
import json
import subprocess
import types

import pytest

from enrolling import LABEL, TYPE, ask, base64_of, bundle, ca_of_pki, certificate_of, curl, header, lab, post
from judges import openssl


@pytest.fixture(scope="module")
def device(lab):
    """A device with a certificate, its key and its request."""
    key, request = ask(lab, "dev0")
    body = base64_of(request)
    status, kind, out = post(lab, "simpleenroll", body, "-u", lab.userpass, out=lab.folder / "dev0.answer")
    assert (status, kind) == (200, TYPE)
    return types.SimpleNamespace(key=key, body=body, file=certificate_of(lab, out))


def test_cacerts_is_open_to_all_and_leads_to_the_root(lab):
    pem = bundle(lab)
    assert pem.read_text().count("BEGIN CERTIFICATE") >= 2
    root = "".join(lab.server.ca_pem.split())
    assert root in "".join(pem.read_text().split())


@pytest.mark.parametrize("form", [(), ("-A",)], ids=["lines", "one-line"])
def test_a_user_enrolls_with_either_form_of_base64_and_gets_the_same(lab, form):
    _, request = ask(lab, "dev1")
    status, kind, out = post(lab, "simpleenroll", base64_of(request, *form), "-u", lab.userpass)
    assert (status, kind) == (200, TYPE)
    assert (len(out.read_text().splitlines()) == 1) == bool(form)
    subject = openssl("x509", "-in", certificate_of(lab, out, *form), "-noout", "-subject")
    assert subject.strip() == "subject=CN = dev1"


def test_a_device_renews_by_its_certificate_and_by_nothing_else(lab, device):
    mine = ["--cert", device.file, "--key", device.key]
    for operation in ["simplereenroll", "simpleenroll"]:
        status, kind, out = post(lab, operation, device.body, *mine)
        assert (status, kind) == (200, TYPE), out.read_text()
        assert certificate_of(lab, out).read_bytes() != device.file.read_bytes()
    _, other = ask(lab, "dev9")
    status, _, out = post(lab, "simplereenroll", base64_of(other), *mine)
    assert status == 403 and "subject" in out.read_text()
    status, _, out = post(lab, "simplereenroll", device.body, "-u", lab.userpass)
    assert status == 401, out.read_text()
    assert post(lab, "simplereenroll", device.body)[0] == 401


def test_a_revoked_certificate_renews_nothing(lab):
    key, request = ask(lab, "dev2")
    body = base64_of(request)
    _, _, out = post(lab, "simpleenroll", body, "-u", lab.userpass)
    file = certificate_of(lab, out)
    serial = openssl("x509", "-in", file, "-noout", "-serial").strip().removeprefix("serial=")
    lab.ca.call("POST", "/ca/revoke", {"serial": serial, "reason": "keyCompromise"})
    for operation in ["simplereenroll", "simpleenroll"]:
        status, _, out = post(lab, operation, body, "--cert", file, "--key", key)
        assert status == 403 and "revoked" in out.read_text()


def test_a_token_is_good_for_one_certificate(lab):
    made = json.loads(lab.server.muster("ca", "est", "credential", "new", "--label", LABEL, "--one-time", "--json"))
    bearer = ["-H", f"Authorization: Bearer {made['password']}"]
    _, request = ask(lab, "dev3")
    _, other = ask(lab, "dev4")
    first, again = (post(lab, "simpleenroll", base64_of(request), *bearer, out=lab.folder / n) for n in ["t1", "t2"])
    assert first[0] == again[0] == 200 and first[2].read_text() == again[2].read_text()
    status, _, out = post(lab, "simpleenroll", base64_of(other), *bearer)
    assert status == 403 and "used" in out.read_text()


def parts_of(answer, kind):
    """Types and contents of the parts of an answer, as a mail program reads them."""
    whole = email.message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + answer.read_bytes())
    assert whole.is_multipart() and not whole.defects
    assert {part["Content-Transfer-Encoding"] for part in whole.get_payload()} == {"base64"}
    return [(part["Content-Type"], part.get_payload(decode=True)) for part in whole.get_payload()]


@pytest.mark.parametrize(
    "kind",
    [
        ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
        ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    ],
    ids=["p-256", "p-384", "rsa-2048"],
)
def test_a_key_is_made_here_where_the_label_says_so(lab, kind):
    lab.server.muster("ca", "est", "label", "put", "keygen", "--server-keygen")
    made = json.loads(lab.server.muster("ca", "est", "credential", "new", "--label", "keygen", "--json"))
    there = types.SimpleNamespace(**{**vars(lab), "url": made["url"]})
    sent, request = ask(lab, "dev8", None, kind)
    shown = ["-u", f"{made['user']}:{made['password']}"]
    status, told, out = post(there, "serverkeygen", base64_of(request), *shown)
    assert status == 200, out.read_text()
    assert header(out, "cache-control") == "no-store"
    (key_type, pkcs8), (bag_type, bag) = parts_of(out, told)
    assert (key_type, bag_type) == ("application/pkcs8", TYPE)
    key, p7, pem = (lab.folder / name for name in ["made.key", "made.p7", "made.pem"])
    key.write_bytes(pkcs8), p7.write_bytes(bag)
    openssl("pkcs7", "-inform", "DER", "-in", p7, "-print_certs", "-out", pem)
    openssl("verify", "-x509_strict", "-CAfile", lab.ca_file, "-untrusted", bundle(lab), pem)
    public = openssl("pkey", "-inform", "DER", "-in", key, "-pubout")
    assert openssl("x509", "-in", pem, "-noout", "-pubkey") == public
    assert openssl("pkey", "-in", sent, "-pubout") != public
    assert openssl("pkey", "-inform", "DER", "-in", key, "-noout", "-check").strip() == "Key is valid"
    assert openssl("x509", "-in", pem, "-noout", "-subject").strip() == "subject=CN = dev8"


def test_no_key_is_made_elsewhere(lab):
    _, request = ask(lab, "dev8")
    status, _, _ = post(lab, "serverkeygen", base64_of(request), "-u", lab.userpass)
    assert status == 404


def test_what_csrattrs_says_can_be_read(lab):
    out = lab.folder / "csrattrs"
    assert curl(lab, "csrattrs", out=out) == (200, "application/csrattrs")
    der = lab.folder / "csrattrs.der"
    openssl("base64", "-d", "-in", out, "-out", der)
    assert "1.2.840.113549.1.9.16.2.61" in openssl("asn1parse", "-inform", "DER", "-in", der)


def test_header_names_are_spelled_as_libest_compares_them(lab):
    """Cisco's client looks for these, letter by letter."""
    out = lab.folder / "spelled"
    curl(lab, "cacerts", out=out)
    names = [line.split(":")[0] for line in open(f"{out}.headers")]
    assert {"Content-Type", "Content-Length", "Content-Transfer-Encoding"} <= set(names)
    post(lab, "simpleenroll", base64_of(ask(lab, "dev5")[1]), out=out)
    assert "WWW-Authenticate" in [line.split(":")[0] for line in open(f"{out}.headers")]


@pytest.mark.parametrize("way", [["--head"], ["--http1.0"]], ids=["head", "http-1.0"])
def test_cacerts_for_clients_that_ask_in_old_or_short_ways(lab, way):
    assert curl(lab, "cacerts", *way, out=lab.folder / "short") == (200, "application/pkcs7-mime")


@pytest.mark.parametrize(
    "way",
    [["Transfer-Encoding: chunked"], ["Expect: 100-continue"], ["Content-Transfer-Encoding: 7bit"]],
    ids=["chunked", "expect", "other-encoding"],
)
def test_a_request_in_whatever_way_http_has(lab, way):
    _, request = ask(lab, "dev1")
    body = base64_of(request)
    body.write_bytes(body.read_bytes().replace(b"\n", b"\r\n"))
    status, kind, out = post(lab, "simpleenroll", body, "-u", lab.userpass, *(part for one in way for part in ("-H", one)))
    assert (status, kind) == (200, TYPE)
    certificate_of(lab, out)


class TestRefused:
    """Each with its status, and a line of text."""

    @pytest.fixture(autouse=True)
    def start(self, lab):
        self.lab = lab

    def refused(self, body, *arguments, **more):
        status, kind, out = post(self.lab, "simpleenroll", body, "-u", self.lab.userpass, *arguments, **more)
        assert kind == "text/plain; charset=utf-8" and out.read_text().count("\n") == 1
        return status

    def test_a_flipped_bit_of_the_signature(self):
        _, request = ask(self.lab, "dev5")
        request.write_bytes(request.read_bytes()[:-1] + bytes([request.read_bytes()[-1] ^ 1]))
        assert self.refused(base64_of(request)) == 400

    def test_another_content_type(self):
        _, request = ask(self.lab, "dev5")
        assert self.refused(base64_of(request), kind="text/plain") == 415

    @pytest.mark.parametrize("size", [100_000, 1_500_000])
    def test_a_body_that_is_too_large(self, size):
        body = self.lab.folder / "large"
        body.write_bytes(b"A" * size)
        assert self.refused(body) == 413

    def test_a_label_that_is_not_there(self):
        assert curl(self.lab, "../nobody/cacerts", out=self.lab.folder / "none")[0] == 404
        assert curl(self.lab, "fullcmc", out=self.lab.folder / "none")[0] == 404

    def test_an_authority(self):
        _, request = ask(self.lab, "dev5", None, None, "-addext", "basicConstraints=critical,CA:TRUE")
        assert self.refused(base64_of(request)) in (400, 403)

    @pytest.mark.parametrize(
        "key",
        [
            ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
            ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime192v1"],
            ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:explicit"],
        ],
        ids=["rsa-1024", "p-192", "explicit-curve"],
    )
    def test_a_weak_or_strange_key(self, key):
        _, request = ask(self.lab, "weak", None, key)
        assert self.refused(base64_of(request)) == 400

    def test_a_wrong_password_and_none(self):
        _, request = ask(self.lab, "dev5")
        for shown in [["-u", "nobody:wrong"], []]:
            status, _, out = post(self.lab, "simpleenroll", base64_of(request), *shown)
            assert (status, header(out, "www-authenticate")) == (401, f'Basic realm="{LABEL}"')


def test_a_request_waits_until_somebody_approves_it(lab):
    lab.ca.call("PUT", "/ca/est/labels/slow", {"approval": "manual"})
    made = json.loads(lab.server.muster("ca", "est", "credential", "new", "--label", "slow", "--json"))
    there = types.SimpleNamespace(**{**vars(lab), "url": made["url"]})
    _, request = ask(lab, "dev6")
    shown = ["-u", f"{made['user']}:{made['password']}"]
    status, _, out = post(there, "simpleenroll", base64_of(request), *shown)
    assert status == 202 and int(header(out, "retry-after")) > 0
    waiting = [it for it in lab.ca.call("GET", "/ca/est/requests") if it["label"] == "slow"]
    assert len(waiting) == 1
    lab.ca.call("POST", f"/ca/est/requests/{waiting[0]['id']}/approve")
    status, kind, out = post(there, "simpleenroll", base64_of(request), *shown)
    assert (status, kind) == (200, TYPE)
    certificate_of(lab, out)


@pytest.fixture(scope="module")
def plain(lab):
    """strongSwan knows no labels, and reads one line only: nobody has to say so."""
    made = json.loads(lab.server.muster("ca", "est", "credential", "new", "--label", "default", "--json"))
    return ["--url", lab.root, "--cacert", lab.ca_file], ["--userpass", f"{made['user']}:{made['password']}"]


def pki(*arguments, out=None):
    done = subprocess.run(["pki", *map(str, arguments)], capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    if out:
        out.write_bytes(done.stdout)


def test_strongswan_fetches_authorities(lab, plain):
    there, _ = plain
    out = lab.folder / "cas.pem"
    pki("--estca", *there, "--caout", out, "--outform", "pem", "--force")
    assert list(lab.folder.glob("cas*.pem"))


def test_strongswan_enrolls_and_renews(lab, plain):
    there, shown = plain
    key, request = ask(lab, "dev7")
    # It checks what it gets against what it trusts: all of the way.
    whole = lab.folder / "issuing.pem"
    whole.write_text("".join(it["certificate"] for it in lab.ca.call("GET", "/ca/authorities") if it["id"] == "issuing"))
    there = [*there, "--cacert", whole]
    old, new = lab.folder / "swan.pem", lab.folder / "swan2.pem"
    pki("--est", *there, "--in", request, *shown, "--outform", "pem", out=old)
    openssl("verify", "-x509_strict", "-CAfile", lab.ca_file, "-untrusted", whole, old)
    pki("--est", *there, "--in", request, "--cert", old, "--key", key, "--outform", "pem", out=new)
    openssl("verify", "-x509_strict", "-CAfile", lab.ca_file, "-untrusted", whole, new)
    assert old.read_bytes() != new.read_bytes()
