"""Requests that ask for what nobody may have, or are no requests at all, each refused in its own words (pki.md §11)."""

import base64

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

import applicant
from hostile import (
    ALT_NAME,
    CONSTRAINTS,
    KEY_USAGE,
    NAME_CONSTRAINTS,
    PURPOSES,
    SHA1_WITH_RSA,
    attribute,
    der,
    draft,
    explicit_curve,
    extension,
    nested,
    point_of,
    rsa_spki,
    spki_of,
    with_point,
)

P256 = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
RSA_E3 = rsa.generate_private_key(public_exponent=3, key_size=2048)
RSA_1024 = rsa.generate_private_key(public_exponent=65537, key_size=1024)
GOOD = draft(attribute(b"pump-1"))


def names(*contents):
    return [extension(ALT_NAME, der(0x30, *contents))]


def flipped(request, at=-1):
    altered = bytearray(request)
    altered[at] ^= 1
    return bytes(altered)


def beside_the_curve():
    return flipped(point_of(P256))


CASES = {
    "authority": (draft(extensions=[extension(CONSTRAINTS, bytes.fromhex("30030101ff"))]), "asks to be an authority"),
    "signing certificates": (
        draft(extensions=[extension(KEY_USAGE, bytes.fromhex("03020284"))]),
        "asks for key usage `keyCertSign`",
    ),
    "signing CRLs": (draft(extensions=[extension(KEY_USAGE, bytes.fromhex("03020102"))]), "key usage `cRLSign`"),
    "any purpose": (
        draft(extensions=[extension(PURPOSES, der(0x30, der(6, bytes.fromhex("551d2500"))))]),
        "asks for the purpose `2.5.29.37.0`",
    ),
    "OCSP signing": (
        draft(extensions=[extension(PURPOSES, der(0x30, der(6, bytes.fromhex("2b06010505070309"))))]),
        "asks for the purpose `1.3.6.1.5.5.7.3.9`",
    ),
    "name constraints": (
        draft(extensions=[extension(NAME_CONSTRAINTS, der(0x30, der(0xA0, der(0x30, der(0x82, b"example")))))]),
        "asks for the extension `nameConstraints`",
    ),
    "another name": (draft(attribute(b"pump-2")), "common name `pump-2` of the certification request is not `pump-1`"),
    "16 KiB": (draft(attribute(b"x" * 16_384)), "certification request of 16"),
    "64 KiB": (b"\x30" * 65_537, "bytes is larger than the 16384 allowed: ask for fewer names"),
    "64 kinds of names": (draft(b"".join(attribute(b"x") for _ in range(65))), "a subject of more than 64 attributes"),
    "64 names": (draft(extensions=names(*[der(0x82, b"x")] * 65)), "more than 64 subject alternative names"),
    "BER": (b"\x30\x80" + GOOD[3:] + b"\0\0", "a length is indefinite, which is BER"),
    "long length": (b"\x30\x82\0" + GOOD[2:], "a length is not written in the shortest form"),
    "trailing bytes": (GOOD + b"\0", "bytes follow where it should end"),
    "cut short": (GOOD[:-1], "it is cut short"),
    "too deep": (draft(attributes=nested(2_000)), "it is nested more than 16 deep"),
    "RSA-1024": (draft(key=RSA_1024), "public key is RSA of 1024 bits"),
    "RSA-8192": (
        draft(key=RSA, spki=rsa_spki((1 << 8191) + 1, 65537)),
        "public key is RSA of 8192 bits",
    ),
    "exponent 3": (draft(key=RSA_E3), "RSA with an exponent that is even, below 65537"),
    "even modulus": (draft(key=RSA, spki=rsa_spki(RSA.public_key().public_numbers().n - 1, 65537)), "an even modulus"),
    "P-192": (draft(key=ec.generate_private_key(ec.SECP192R1())), "curve `1.2.840.10045.3.1.1`, which is not accepted"),
    "explicit curve": (draft(key=P256, spki=explicit_curve(P256)), "describes its own curve (explicit parameters)"),
    "beside the curve": (draft(key=P256, spki=with_point(P256, beside_the_curve())), "not a point of its curve"),
    "extension twice": (
        draft(extensions=[extension(KEY_USAGE, bytes.fromhex("03020780"))] * 2),
        "asks for the extension `2.5.29.15` twice",
    ),
    "NUL in the subject": (draft(attribute(b"admin\0.evil")), "a control character in the subject attribute `2.5.4.3`"),
    "NUL in a name": (draft(extensions=names(der(0x82, b"a\0.example"))), "control character in a subject alternative"),
    "UTF-8 in a name": (draft(extensions=names(der(0x82, "gerät".encode()))), "alternative name that is no ASCII"),
    "five bytes of address": (draft(extensions=names(der(0x87, b"12345"))), "an IP address of 5 bytes"),
    "SHA-1": (draft(key=RSA, algorithm=SHA1_WITH_RSA, digest=hashes.SHA1()), "signed with `SHA-1 with RSA`"),
    "another's key": (draft(spki=spki_of(P256)), "is not signed by the key that it contains"),
    "a bit of the signature": (flipped(draft(key=RSA)), "is not signed by the key that it contains"),
}


def ask(desk, csr, **asked):
    asked.setdefault("subject", {"commonName": "pump-1"})
    body = {"csr": base64.b64encode(csr).decode(), **asked}
    return desk.ca.call("POST", "/ca/sign", body, expect=(400, 403, 409))


@pytest.mark.parametrize("case", CASES)
def test_refused_in_its_own_words(desk, case):
    csr, wanted = CASES[case]
    refused = ask(desk, csr)
    assert wanted in refused["message"], refused
    assert refused["errorCode"] in ("CsrRefused", "KeyRefused") and refused["trackingId"]
    entries = desk.ca.call("GET", "/ca/audit?max=20")["entries"]
    said = [(it["decision"], it["object"], it["reason"]) for it in entries]
    assert ("refused", "issuing/device", refused["message"]) in said


def test_names_that_mean_more_than_they_say_are_refused(desk):
    def refusal(names):
        subject = {"commonName": "gateway", "dnsNames": names}
        return ask(desk, draft(), profile="tls-server", subject=subject)["message"]

    for names in (["*"], ["a.*.example"], ["10.0.0.1"], ["-a.example"], ["gerät.example"], ["a..example"]):
        assert f"subject alternative name `{names[0]}` " in refusal(names)


def test_a_key_that_is_blocked_or_somebody_elses_is_refused(desk):
    key = ec.generate_private_key(ec.SECP256R1())
    csr = draft(key=key)
    held = {"holder": {"name": "pump-1", "generation": "1"}}
    desk.sign("pump-1", key=key, csr=base64.b64encode(csr).decode(), **held)
    refused = ask(desk, csr, holder={"name": "pump-2", "generation": "1"}, subject={"commonName": "pump-2"})
    assert refused["message"] == "public key belongs to `pump-1`: make a key pair for each device"

    digest = hashes.Hash(hashes.SHA256())
    digest.update(spki_of(key))
    path = f"/ca/blocked-keys/{digest.finalize().hex()}"
    desk.ca.call("PUT", path, {"reason": "published on the web"}, expect=(200, 201, 204))
    assert "public key is blocked (published on the web)" in ask(desk, csr, **held)["message"]
    desk.ca.call("DELETE", path)
    desk.sign("pump-1", key=key, csr=base64.b64encode(csr).decode(), **held)


def test_what_the_profile_does_not_give_is_left_out_and_told(desk):
    wanted = names(der(0x82, b"admin.example"))
    answer = desk.ca.call(
        "POST",
        "/ca/sign",
        {"csr": base64.b64encode(draft(extensions=wanted)).decode(), "subject": {"commonName": "pump-1"}},
        expect=(201,),
    )
    assert answer["remarks"] == ["left out: name DNS:admin.example"]


def test_after_all_of_these_a_sound_request_is_granted(desk):
    csr = applicant.request(ec.generate_private_key(ec.SECP256R1()), "pump-1")
    assert desk.ca.call("POST", "/ca/sign", {"csr": csr, "subject": {"commonName": "pump-1"}}, expect=(201,))
