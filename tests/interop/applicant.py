"""Somebody who asks for certificates by the REST API: keys, requests, and the files that command lines take."""

import dataclasses
import pathlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID

PEM = serialization.Encoding.PEM


def key_file(path, key):
    path.write_bytes(key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return path


def request(key, common_name=None, extensions=()):
    names = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else []
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(names))
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    digest = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(key, digest).public_bytes(PEM).decode()


@dataclasses.dataclass
class Given:
    """A certificate that was issued, as files: itself, its issuer, all between it and the root, and the root."""

    serial: str
    certificate: x509.Certificate
    file: pathlib.Path
    key_file: pathlib.Path
    issuer: pathlib.Path
    between: pathlib.Path
    root: pathlib.Path
    whole: pathlib.Path

    def extension(self, kind):
        return self.certificate.extensions.get_extension_for_class(kind).value

    def crl_url(self):
        (point,) = self.extension(x509.CRLDistributionPoints)
        (name,) = point.full_name
        return name.value


class Applicant:
    def __init__(self, ca, folder):
        self.ca = ca
        self.folder = folder

    def sign(self, stem, key=None, csr=None, **asked):
        key = key or ec.generate_private_key(ec.SECP256R1())
        asked.setdefault("subject", {"commonName": stem})
        answer = self.ca.call("POST", "/ca/sign", {"csr": csr or request(key), **asked}, expect=(201,))
        return self.file(stem, key, answer)

    def file(self, stem, key, answer):
        chain = x509.load_pem_x509_certificates(answer["chain"].encode())
        certificate = x509.load_pem_x509_certificate(answer["certificate"].encode())

        def write(ending, *certificates):
            path = self.folder / f"{stem}{ending}"
            path.write_bytes(b"".join(it.public_bytes(PEM) for it in certificates))
            return path

        return Given(
            serial=answer["serial"],
            certificate=certificate,
            file=write(".pem", certificate),
            key_file=key_file(self.folder / f"{stem}.key", key),
            issuer=write(".issuer.pem", chain[0]),
            between=write(".between.pem", *chain[:-1]),
            root=write(".root.pem", chain[-1]),
            whole=write(".whole.pem", certificate, *chain),
        )
