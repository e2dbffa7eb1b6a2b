"""A device maker's small PKI: root, intermediate, device certificates, as files."""

import datetime
import secrets

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def name(common_name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


# RFC 5280 section 4.1.2.5: no end that is known.
ENDLESS = datetime.datetime(9999, 12, 31, 23, 59, 59, tzinfo=datetime.timezone.utc)


def issue(subject, key, issuer, issuer_key, path_length, days=365, start=None, end=None, signs=False):
    """`key` may be a request for a certificate; `signs`: an authority that signs more than certificates."""
    start = start or datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=5)
    authority = path_length is not None
    subject = name(subject) if isinstance(subject, str) else subject
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(int.from_bytes(secrets.token_bytes(15), "big"))
        .not_valid_before(start)
        .not_valid_after(end or start + datetime.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=path_length), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key((issuer_key or key).public_key()), critical=False
        )
        .add_extension(
            x509.KeyUsage(signs or not authority, False, False, False, False, authority, authority, False, False), critical=True
        )
    )
    return builder.sign(issuer_key or key, hashes.SHA256())


class Maker:
    def __init__(self, folder):
        self.folder = folder
        self.root_key = ec.generate_private_key(ec.SECP256R1())
        self.root = issue("Interop Root", self.root_key, None, None, 2)
        self.intermediate_key = ec.generate_private_key(ec.SECP256R1())
        self.intermediate = issue("Interop Line 7", self.intermediate_key, self.root, self.root_key, 0)

    def write(self, stem, key, *chain):
        """The files an SDK is pointed at: certificate chain, leaf first, and key."""
        cert_file, key_file = self.folder / f"{stem}.pem", self.folder / f"{stem}.key"
        cert_file.write_text("".join(pem(certificate) for certificate in chain))
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return str(cert_file), str(key_file)

    def self_signed(self, device):
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = issue(device, key, None, None, None)
        return certificate, self.write(device, key, certificate)

    def device(self, device, **options):
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = issue(device, key, self.intermediate, self.intermediate_key, None, **options)
        return certificate, self.write(device, key, certificate, self.intermediate)
