"""Programs of others that judge what the authority makes: pkilint, openssl, GnuTLS, strongSwan. In their own words, unless all is well."""

import contextlib
import io
import subprocess

from pkilint.bin import lint_crl, lint_ocsp_response, lint_pkix_cert, lint_pkix_signer_signee_cert_chain

TOOL_S = 60


def run(*command, codes=(0,), stdin=None):
    """What a command line says, on both of its streams."""
    done = subprocess.run([str(part) for part in command], capture_output=True, input=stdin, timeout=TOOL_S)
    said = (done.stdout + done.stderr).decode(errors="replace")
    assert done.returncode in codes, f"{' '.join(map(str, command))}: {done.returncode}\n{said}"
    return said


def openssl(*arguments, codes=(0,)):
    return run("openssl", *arguments, codes=codes)


def strongswan(given, *options, codes=(0,)):
    """`pki --verify`; with `--online` it asks OCSP responders and fetches CRLs by itself."""
    authorities = [option for file in (given.root, given.issuer) for option in ("--cacert", file)]
    return run("pki", "--verify", *options, "--in", given.file, *authorities, codes=codes)


def lint(linter, *arguments):
    """Findings at WARNING and above, as text. The linter's `main` is what its command line runs; a process a file takes long."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        findings = linter.main(["lint", *arguments[:-1], "-s", "WARNING", str(arguments[-1])])
    return said.getvalue() if findings else ""


def certificate(file):
    return lint(lint_pkix_cert, file)


def signed_by(issuer, file):
    return lint(lint_pkix_signer_signee_cert_chain, "-s", "WARNING", str(issuer), file)


def crl(file, of_authorities=False):
    return lint(lint_crl, "-t", "ARL" if of_authorities else "CRL", "-p", "PKIX", file)


def ocsp_response(file):
    return lint(lint_ocsp_response, file)
