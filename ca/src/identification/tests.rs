//! Who is let in by a certificate.
