"""Certification requests written by hand, so that each part can be wrong while the signature is right."""

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

COMMON_NAME = bytes.fromhex("550403")
EXTENSION_REQUEST = bytes.fromhex("2a864886f70d01090e")
CONSTRAINTS, KEY_USAGE, ALT_NAME, NAME_CONSTRAINTS, PURPOSES = (bytes((0x55, 0x1D, it)) for it in (19, 15, 17, 30, 37))
ECDSA_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")
RSA_SHA256 = bytes.fromhex("300d06092a864886f70d01010b0500")
SHA1_WITH_RSA = bytes.fromhex("300d06092a864886f70d0101050500")


def der(tag, *parts):
    contents = b"".join(parts)
    if len(contents) < 0x80:
        return bytes((tag, len(contents))) + contents
    length = len(contents).to_bytes((len(contents).bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + contents


def attribute(value, tag=0x0C):
    return der(0x31, der(0x30, der(6, COMMON_NAME), der(tag, value)))


def extension(oid, value):
    return der(0x30, der(6, oid), der(4, value))


def spki_of(key):
    return key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def draft(subject=b"", extensions=(), key=None, spki=None, attributes=None, algorithm=None, digest=None):
    """A request whose own key signed it, whatever it says."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    if attributes is None:
        wanted = der(0x30, *extensions)
        attributes = der(0x30, der(6, EXTENSION_REQUEST), der(0x31, wanted)) if extensions else b""
    info = der(0x30, bytes((2, 1, 0)), der(0x30, subject), spki or spki_of(key), der(0xA0, attributes))
    if isinstance(key, rsa.RSAPrivateKey):
        algorithm = algorithm or RSA_SHA256
        signature = key.sign(info, padding.PKCS1v15(), digest or hashes.SHA256())
    else:
        algorithm = algorithm or ECDSA_SHA256
        signature = key.sign(info, ec.ECDSA(digest or hashes.SHA256()))
    return der(0x30, info, algorithm, der(3, b"\0", signature))


def explicit_curve(key):
    """The same P-256 key, with its curve written out."""
    field = der(0x30, der(6, bytes.fromhex("2a8648ce3d0101")), der(2, b"\0" + b"\xff" * 32))
    parameters = der(0x30, bytes((2, 1, 1)), field, der(0x30, der(4, b"\1" * 32), der(4, b"\2" * 32)))
    return with_point(key, point_of(key), parameters)


def point_of(key):
    return key.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )


def with_point(key, point, parameters=bytes.fromhex("06082a8648ce3d030107")):
    algorithm = der(0x30, der(6, bytes.fromhex("2a8648ce3d0201")), parameters)
    return der(0x30, algorithm, der(3, b"\0", point))


def rsa_spki(modulus, exponent):
    def integer(value):
        return der(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))

    algorithm = bytes.fromhex("300d06092a864886f70d0101010500")
    return der(0x30, algorithm, der(3, b"\0", der(0x30, integer(modulus), integer(exponent))))


def nested(depth):
    deep = bytes((5, 0))
    for _ in range(depth):
        deep = der(0x30, deep)
    return deep
