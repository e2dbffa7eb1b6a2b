"""Somebody who enrolls over EST with the command lines of pki.md: curl and openssl."""

import json
import re
import types

import pytest

import judges
from judges import openssl

LABEL = "lab1"
TYPE = "application/pkcs7-mime; smime-type=certs-only"


@pytest.fixture(scope="module")
def lab(pki, ca_of_pki, tmp_path_factory):
    """A label with a user, made by the command line; and where it is."""
    made = json.loads(pki.muster("ca", "est", "credential", "new", "--label", LABEL, "--json"))
    assert made["url"].endswith(f"/.well-known/est/{LABEL}")
    return types.SimpleNamespace(
        url=made["url"],
        userpass=f"{made['user']}:{made['password']}",
        ca_file=pki.ca_file,
        ca=ca_of_pki,
        server=pki,
        root=made["url"].split("/.well-known")[0],
        folder=tmp_path_factory.mktemp("est"),
    )


@pytest.fixture(scope="module")
def ca_of_pki(desk):
    return desk.ca


def curl(lab, path, *arguments, out):
    """Status and content type; the body is in `out`."""
    said = judges.run(
        "curl", "-sS", "--cacert", lab.ca_file, "-o", out, "-D", f"{out}.headers",
        "-w", "%{http_code} %{content_type}", *arguments, f"{lab.url}/{path}",
    )
    status, _, kind = said.partition(" ")
    return int(status), kind


def header(out, name):
    found = re.search(rf"^{name}: (.*?)\r?$", open(f"{out}.headers").read(), re.IGNORECASE | re.MULTILINE)
    return found and found.group(1)


def post(lab, operation, body, *arguments, kind="application/pkcs10", out=None):
    out = out or lab.folder / "answer"
    data = ["-H", f"Content-Type: {kind}", "--data-binary", f"@{body}"]
    return (*curl(lab, operation, *data, *arguments, out=out), out)


def ask(lab, stem, subject=None, key=None, *more):
    """Key and request, as `openssl` makes them; the request as DER."""
    key_file, request = lab.folder / f"{stem}.key", lab.folder / f"{stem}.der"
    if key is None:
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key_file)
    else:
        openssl("genpkey", "-out", key_file, *key)
    openssl("req", "-new", "-key", key_file, "-subj", subject or f"/CN={stem}", "-outform", "DER", "-out", request, *more)
    return key_file, request


def base64_of(file, *form):
    out = file.with_suffix(".b64")
    openssl("base64", *form, "-in", file, "-out", out)
    return out


def certificate_of(lab, answer, *form):
    """The one certificate of an answer, read as the command lines of pki.md read it."""
    der, pem = lab.folder / "answer.p7", lab.folder / f"{answer.name}.pem"
    openssl("base64", "-d", *form, "-in", answer, "-out", der)
    openssl("pkcs7", "-inform", "DER", "-in", der, "-print_certs", "-out", pem)
    assert pem.read_text().count("BEGIN CERTIFICATE") == 1
    openssl("verify", "-x509_strict", "-CAfile", lab.ca_file, "-untrusted", bundle(lab), pem)
    return pem


def bundle(lab):
    """What cacerts gives, as PEM."""
    out, pem = lab.folder / "cacerts", lab.folder / "cacerts.pem"
    assert curl(lab, "cacerts", out=out) == (200, "application/pkcs7-mime")
    der = lab.folder / "cacerts.p7"
    openssl("base64", "-d", "-in", out, "-out", der)
    openssl("pkcs7", "-inform", "DER", "-in", der, "-print_certs", "-out", pem)
    return pem
