"""OCSP answers as openssl, strongSwan, curl and pkilint take them (pki.md §12.2)."""

import base64
import datetime
import re
import urllib.parse

import pytest
from cryptography import x509
from cryptography.x509 import ocsp

import judges
from applicant import PEM
from lists import revoke, soon

FORMS = [(digest, nonce) for digest in ("-sha1", "-sha256") for nonce in ("-nonce", "-no_nonce")]


def ask(given, folder, *options):
    """One question by `openssl ocsp`: what it makes of the answer, and the answer as a file."""
    answer = folder / "answer.der"
    said = judges.openssl(
        *("ocsp", "-issuer", given.issuer, *options, "-cert", given.file, "-CAfile", given.root),
        *("-url", responder(given), "-respout", answer),
    )
    assert "Response verify OK" in said, said
    (status,) = re.findall(rf"^{re.escape(str(given.file))}: (\w+)", said, re.MULTILINE)
    return status, said, answer


def responder(given):
    access = given.extension(x509.AuthorityInformationAccess)
    (url,) = [
        it.access_location.value for it in access if it.access_method == x509.AuthorityInformationAccessOID.OCSP
    ]
    return url


@pytest.mark.parametrize("digest, nonce", FORMS)
def test_openssl_hears_good_then_revoked(desk, tmp_path, digest, nonce):
    given = desk.sign(f"ocsp{digest}{nonce}")
    for wanted in ("good", "revoked"):
        status, said, answer = ask(given, tmp_path, digest, nonce)
        assert status == wanted, said
        assert ("WARNING: no nonce in response" in said) is False or nonce == "-no_nonce", said
        assert judges.ocsp_response(answer) == ""
        if wanted == "good":
            since = revoke(desk, given, "keyCompromise")
            soon("revoked", lambda: ask(given, tmp_path, digest, nonce)[0] == "revoked", since)
    assert "Reason: keyCompromise" in said
    read = ocsp.load_der_ocsp_response(answer.read_bytes())
    assert read.hash_algorithm.name == digest.strip("-")
    assert (read.revocation_time_utc - datetime.datetime.now(datetime.timezone.utc)).total_seconds() < 1


@pytest.mark.parametrize("serial", ["0x4711", "0x41424344454647484142434445464748"])
def test_nobody_hears_good_of_a_certificate_that_was_never_issued(desk, serial):
    """RFC 5019 section 2.2.3: nothing is signed about what is not ours."""
    given = desk.sign("known")
    said = judges.openssl(
        *("ocsp", "-issuer", given.issuer, "-serial", serial, "-CAfile", given.root, "-url", responder(given)),
        codes=(1,),
    )
    assert "Responder Error: unauthorized (6)" in said


def test_who_answers_was_sent_by_the_issuer_for_nothing_else(desk, tmp_path):
    given = desk.sign("delegated")
    _, _, answer = ask(given, tmp_path, "-sha256")
    responder = ocsp.load_der_ocsp_response(answer.read_bytes()).certificates[0]
    issuer = x509.load_pem_x509_certificate(given.issuer.read_bytes())
    responder.verify_directly_issued_by(issuer)
    file = tmp_path / "responder.pem"
    file.write_bytes(responder.public_bytes(PEM))
    assert judges.certificate(file) == "" and judges.signed_by(given.issuer, file) == ""
    purposes = responder.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [x509.ExtendedKeyUsageOID.OCSP_SIGNING]
    assert responder.extensions.get_extension_for_class(x509.OCSPNoCheck)
    assert responder.not_valid_after_utc - responder.not_valid_before_utc < datetime.timedelta(days=60)


def test_the_form_for_caches_may_be_kept_until_the_next_update(desk, tmp_path):
    given = desk.sign("cached")
    question = tmp_path / "question.der"
    judges.openssl("ocsp", "-issuer", given.issuer, "-cert", given.file, "-no_nonce", "-reqout", question)
    path = urllib.parse.quote(base64.b64encode(question.read_bytes()), safe="")
    head, body = tmp_path / "head", tmp_path / "answer.der"
    judges.run("curl", "-sS", "--fail", "-D", head, "-o", body, f"{responder(given)}/{path}")
    headers = dict(re.findall(r"^([\w-]+): (.*?)\r?$", head.read_text().lower(), re.MULTILINE))
    assert headers["content-type"] == "application/ocsp-response"
    answer = ocsp.load_der_ocsp_response(body.read_bytes())
    left = (answer.next_update_utc - datetime.datetime.now(datetime.timezone.utc)).total_seconds()
    assert 0 < int(re.search(r"max-age=(\d+)", headers["cache-control"])[1]) <= left + 1
    assert answer.certificate_status == ocsp.OCSPCertStatus.GOOD
    assert judges.ocsp_response(body) == ""


def test_strongswan_asks_where_the_certificate_says_and_sees_the_revocation(desk):
    given = desk.sign("checked")
    assert "certificate trusted, lifetimes valid, certificate not revoked" in judges.strongswan(given, "--online")
    since = revoke(desk, given, "keyCompromise")
    said = soon("revoked", lambda: refusal_of_strongswan(given), since)
    assert "key compromise" in said


def refusal_of_strongswan(given):
    said = judges.strongswan(given, "--online", codes=(0, 1, 2, 3))
    return None if "certificate not revoked" in said else said
