"""Certificates of every built-in profile, and the authorities above them, before judges that are not ours (pki.md §12.3)."""

import urllib.request

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

import applicant
import judges
from applicant import PEM
from factory import ENDLESS, issue

SERVER = {
    "commonName": "gateway.example.com",
    "dnsNames": ["gateway.example.com"],
    "ipAddresses": ["192.0.2.7", "2001:db8::7"],
}
BORN = {
    "serialNumber": "A-17",
    "organization": "Contoso",
    "hardware": {"type": "1.3.6.1.4.1.32473.7.1", "serial": "00112233"},
}
DEVICE = {
    "commonName": "pump-1",
    "serialNumber": "A-17",
    "organization": "Contoso",
    "uris": ["https://example.com/pumps/1"],
}
CASES = {
    "device": dict(profile="device", subject=DEVICE),
    "device-p384": dict(profile="device", subject=DEVICE, key=ec.SECP384R1()),
    "device-p521": dict(profile="device", subject=DEVICE, key=ec.SECP521R1()),
    "device-ed25519": dict(profile="device", subject=DEVICE, key="ed25519"),
    "device-rsa": dict(profile="device", subject=DEVICE, key="rsa"),
    "device-held": dict(profile="device", subject=DEVICE, holder={"name": "pump-1", "generation": "7f3a9c21"}),
    "edge-server": dict(profile="edge-server", subject=SERVER),
    "tls-server": dict(profile="tls-server", subject=SERVER),
    "tls-server-rsa": dict(profile="tls-server", subject=SERVER, key="rsa"),
    "tls-server-nameless": dict(profile="tls-server", subject={**SERVER, "commonName": None}),
    "idevid": dict(profile="idevid", subject=BORN, authority="factory"),
    "sub-ca": dict(profile="sub-ca", subject={"commonName": "Line 7"}, authority="deep"),
}
SERVERS = ("edge-server", "tls-server")


def key_of(kind):
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if kind == "rsa":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ec.generate_private_key(kind or ec.SECP256R1())


@pytest.fixture(scope="module")
def authorities(desk):
    """An authority with room for another one below it; and one that never ends, below a manufacturer's own root."""
    deep = {"parent": "root", "pathLength": 1, "lifeDays": 1000}
    desk.ca.call("PUT", "/ca/authorities/deep", deep, expect=(201,))
    asked = desk.ca.call("POST", "/ca/authorities/factory/request", {"pathLength": 0}, expect=(201,))
    csr = x509.load_pem_x509_csr(asked["csr"].encode())
    key = ec.generate_private_key(ec.SECP256R1())
    root = issue("Manufacturer", key, None, None, 1, end=ENDLESS)
    below = issue(csr.subject, csr, root, key, 0, end=ENDLESS, signs=True)
    chain = "".join(it.public_bytes(PEM).decode() for it in (below, root))
    desk.ca.call("POST", "/ca/authorities/factory/activate", {"chain": chain})


@pytest.fixture(scope="module", params=CASES)
def given(request, desk, authorities):
    asked = dict(CASES[request.param])
    return desk.sign(request.param, key=key_of(asked.pop("key", None)), **asked)


def test_pkilint_finds_nothing(given):
    assert judges.certificate(given.file) == ""
    assert judges.signed_by(given.issuer, given.file) == ""


def test_openssl_gnutls_and_strongswan_verify_the_strict_way(given):
    stem = given.file.stem
    purpose = "sslserver" if stem.startswith(SERVERS) else "sslclient"
    purposes = [] if stem == "sub-ca" else ["-purpose", purpose]
    said = judges.openssl(
        "verify", "-x509_strict", *purposes, "-CAfile", given.root, "-untrusted", given.between, given.file
    )
    assert said.endswith(": OK\n")
    said = judges.run("certtool", "--verify", "--load-ca-certificate", given.root, "--infile", given.whole)
    assert "Chain verification output: Verified. The certificate is trusted." in said
    assert "certificate trusted, lifetimes valid" in judges.strongswan(given)


def test_serial_numbers_are_random_and_the_profile_names_itself(given):
    assert 64 <= given.certificate.serial_number.bit_length() <= 127
    (policy,) = given.extension(x509.CertificatePolicies)
    assert policy.policy_identifier.dotted_string.startswith("1.3.6.1.4.1.32473.2.")


def test_every_authority_is_as_clean_as_what_it_signs(desk, authorities, tmp_path):
    by_id = {it["id"]: it for it in desk.ca.call("GET", "/ca/authorities")}
    assert {"root", "issuing", "deep", "factory"} <= set(by_id)
    for identity, authority in by_id.items():
        file = tmp_path / f"{identity}.pem"
        file.write_text(authority["certificate"])
        if authority.get("key"):
            assert judges.certificate(file) == "", identity
    for below, above in [("issuing", "root"), ("deep", "root")]:
        assert judges.signed_by(tmp_path / f"{above}.pem", tmp_path / f"{below}.pem") == "", below


def test_the_issuer_is_where_the_certificate_says(desk):
    given = desk.sign("aia")
    (url,) = [
        it.access_location.value
        for it in given.extension(x509.AuthorityInformationAccess)
        if it.access_method == x509.AuthorityInformationAccessOID.CA_ISSUERS
    ]
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert answer.headers["Content-Type"] == "application/pkix-cert"
        issuer = x509.load_der_x509_certificate(answer.read())
    assert issuer.public_bytes(PEM) == given.issuer.read_bytes()
    given.certificate.verify_directly_issued_by(issuer)


def test_one_request_twice_gets_two_serials_and_once_with_an_idempotency_key(desk):
    csr = applicant.request(ec.generate_private_key(ec.SECP256R1()))
    body = {"csr": csr, "subject": {"commonName": "twice"}}
    serials = {desk.ca.call("POST", "/ca/sign", body, expect=(201,))["serial"] for _ in range(2)}
    assert len(serials) == 2
    headers = {"Idempotency-Key": "order-4711"}
    one = desk.ca.call("POST", "/ca/sign", body, headers, expect=(201,))
    other = desk.ca.call("POST", "/ca/sign", body, headers, expect=(200,))
    assert one["certificate"] == other["certificate"]
