"""Revocation as a client sees it: lists fetched from where certificates say, and how soon they change."""

import time
import urllib.error
import urllib.request

from cryptography import x509

from applicant import PEM

REVOKED_S = 2


def fetch(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read()


def soon(what, check, since):
    """In force within two seconds of the answer that it is revoked."""
    while True:
        found = check()
        if found:
            return found
        assert time.monotonic() - since < REVOKED_S, f"not within {REVOKED_S} s: {what}"
        time.sleep(0.05)


def revoke(desk, given, reason):
    desk.ca.call("POST", "/ca/revoke", {"serial": given.serial, "reason": reason})
    return time.monotonic()


def published(pki, authority):
    """A new authority's lists are there as soon as a revocation would be in them."""
    url = f"{pki.endpoints['ca']['httpUrl']}/crl/{authority}/0.crl"
    since = time.monotonic()

    def there():
        try:
            return fetch(url)
        except urllib.error.HTTPError as error:
            assert error.code == 503 and error.headers["Retry-After"]

    return soon(f"a first CRL of `{authority}`", there, since)


def crl_of(given, folder):
    """The CRL that a certificate names, as PEM for openssl."""
    read = x509.load_der_x509_crl(fetch(given.crl_url()))
    file = folder / f"{given.file.stem}.crl.pem"
    file.write_bytes(read.public_bytes(PEM))
    return read, file


def number(crl):
    return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
