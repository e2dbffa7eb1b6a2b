"""What an operator types, and what others make of its outcome."""

import pathlib
import time

from cryptography import x509

import judges
from applicant import PEM
from lists import fetch, soon


def test_a_request_is_signed_judged_revoked_and_proved_from_the_command_line(pki, tmp_path):
    key, csr, chain = (tmp_path / name for name in ("pump-7.key", "pump-7.csr", "pump-7.pem"))
    judges.openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
    judges.openssl("req", "-new", "-key", key, "-subj", "/CN=pump-7", "-out", csr)
    pki.muster("ca", "sign", csr, "--holder", "pump-7", "--out", chain, "--chain")
    root = pathlib.Path(pki.ca_file)
    leaf, issuing = x509.load_pem_x509_certificates(chain.read_bytes())
    for name, certificate in [("leaf", leaf), ("issuing", issuing)]:
        (tmp_path / name).write_bytes(certificate.public_bytes(PEM))
        assert judges.certificate(tmp_path / name) == ""
    assert judges.signed_by(tmp_path / "issuing", tmp_path / "leaf") == ""
    assert judges.signed_by(root, tmp_path / "issuing") == ""
    verify = ("verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", root, "-untrusted", tmp_path / "issuing")
    assert judges.openssl(*verify, chain).endswith(": OK\n")

    pki.muster("ca", "revoke", "--holder", "pump-7", "--reason", "keyCompromise")
    since = time.monotonic()
    (point,) = leaf.extensions.get_extension_for_class(x509.CRLDistributionPoints).value

    def listed():
        crl = x509.load_der_x509_crl(fetch(point.full_name[0].value))
        (tmp_path / "crl").write_bytes(crl.public_bytes(PEM))
        return crl.get_revoked_certificate_by_serial_number(leaf.serial_number)

    soon("in the CRL", listed, since)
    said = judges.openssl(*verify, "-crl_check", "-CRLfile", tmp_path / "crl", chain, codes=(2,))
    assert "error 23 at 0 depth lookup" in said
    again = judges.run(pki.binary, "ca", "sign", csr, "--holder", "pump-7", "--data", pki.data, codes=(1,))
    assert "pump-7" in again and "keyCompromise" in again
    pki.muster("ca", "prove", chain)
    pki.muster("ca", "audit", "verify")
