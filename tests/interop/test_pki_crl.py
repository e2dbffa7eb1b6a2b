"""CRLs as openssl and pkilint take them (pki.md §12.2)."""

import datetime
import time

import pytest
from cryptography import x509

import judges
from lists import crl_of, fetch, number, published, revoke, soon


def verify(given, crl_file, codes=(0,)):
    return judges.openssl(
        *("verify", "-crl_check", "-x509_strict", "-CRLfile", crl_file, "-CAfile", given.root),
        *("-untrusted", given.between, given.file),
        codes=codes,
    )


def test_a_root_tells_of_its_authorities_by_a_list(desk, pki, tmp_path):
    given = desk.sign("under")
    _, own = crl_of(given, tmp_path)
    (tmp_path / "root.crl").write_bytes(fetch(f"{pki.endpoints['ca']['httpUrl']}/crl/root/0.crl"))
    judges.openssl("crl", "-inform", "DER", "-in", tmp_path / "root.crl", "-out", tmp_path / "root.crl.pem")
    said = judges.openssl(
        *("verify", "-crl_check_all", "-x509_strict", "-CRLfile", own, "-CRLfile", tmp_path / "root.crl.pem"),
        *("-CAfile", given.root, "-untrusted", given.between, given.file),
    )
    assert said.endswith(": OK\n")


def test_openssl_checks_crls_and_takes_no_other_shard(desk, tmp_path):
    good = desk.sign("good")
    _, own = crl_of(good, tmp_path)
    assert verify(good, own).endswith(": OK\n")
    other = desk.sign("other")
    while other.crl_url() == good.crl_url():
        other = desk.sign("other")
    _, others = crl_of(other, tmp_path)
    assert "error 44 at 0 depth lookup" in verify(good, others, codes=(2,))

    before, _ = crl_of(other, tmp_path)
    since = revoke(desk, other, "superseded")

    def listed():
        return crl_of(other, tmp_path)[0].get_revoked_certificate_by_serial_number(other.certificate.serial_number)

    entry = soon("in the CRL", listed, since)
    assert entry.extensions.get_extension_for_class(x509.CRLReason).value.reason == x509.ReasonFlags.superseded
    after, others = crl_of(other, tmp_path)
    assert number(after) > number(before)
    assert "error 23 at 0 depth lookup" in verify(other, others, codes=(2,))
    assert verify(good, own).endswith(": OK\n")


def test_nothing_changes_when_nothing_is_revoked(desk):
    given = desk.sign("still")
    first = fetch(given.crl_url())
    time.sleep(3)
    assert fetch(given.crl_url()) == first


def test_numbers_rise_with_every_revocation(desk, pki, tmp_path):
    desk.ca.call("PUT", "/ca/authorities/single", {"parent": "root", "crlShards": 1}, expect=(201,))
    published(pki, "single")
    given = desk.sign("rises", authority="single")
    numbers = [number(crl_of(given, tmp_path)[0])]
    for at in range(3):
        victim = desk.sign(f"rises-{at}", authority="single")
        assert victim.crl_url() == given.crl_url()
        since = revoke(desk, victim, "cessationOfOperation")
        soon("a new CRL", lambda: number(crl_of(given, tmp_path)[0]) > numbers[-1], since)
        numbers.append(number(crl_of(given, tmp_path)[0]))
    assert numbers == sorted(set(numbers))


def test_every_list_of_every_authority_is_there_and_clean(desk, pki, tmp_path):
    quiet = {"parent": "root", "crlShards": 3, "lifeDays": 400}
    desk.ca.call("PUT", "/ca/authorities/quiet", quiet, expect=(201,))
    published(pki, "quiet")
    base = pki.endpoints["ca"]["httpUrl"]
    issuers = desk.ca.call("GET", "/ca/authorities")
    issuers = [it for it in issuers if it.get("key") and it["state"] == "active"]
    assert {"root", "issuing", "quiet"} <= {it["id"] for it in issuers}
    for issuer in issuers:
        certificate = x509.load_pem_x509_certificate(issuer["certificate"].encode())
        for shard in range(issuer["crlShards"]):
            der = fetch(f"{base}/crl/{issuer['id']}/{shard}.crl")
            file = tmp_path / "one.crl"
            file.write_bytes(der)
            findings = judges.crl(file, of_authorities=issuer["id"] == "root")
            assert findings == "", f"{issuer['id']}/{shard}\n{findings}"
            crl = x509.load_der_x509_crl(der)
            assert crl.is_signature_valid(certificate.public_key()), issuer["id"]
            if issuer["crlShards"] > 1:
                scope = crl.extensions.get_extension_for_class(x509.IssuingDistributionPoint)
                assert scope.critical and scope.value.full_name[0].value == f"{base}/crl/{issuer['id']}/{shard}.crl"
            assert crl.next_update_utc > datetime.datetime.now(datetime.timezone.utc)
            if issuer["id"] == "quiet":
                assert len(crl) == 0


@pytest.mark.parametrize("path", ["/crl/issuing/64.crl", "/crl/nobody/0.crl", "/issuer/nobody.cer", "/ca/tree", "/"])
def test_there_is_nothing_else_in_the_plain(pki, path):
    said = judges.run("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", pki.endpoints["ca"]["httpUrl"] + path)
    assert said == "404"
