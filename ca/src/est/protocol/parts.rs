//! The answer to serverkeygen: a private key and its certificate, as two parts of one body (RFC 7030 section 4.4.2). Pure.

use zeroize::Zeroizing;

use super::base64::write;
use crate::Base64Form;

/// No base64 has a hyphen in it.
pub(super) const TYPE: &str = "multipart/mixed; boundary=est-server-key";
const NEXT: &str = "--est-server-key\r\n";
const END: &str = "--est-server-key--\r\n";
const KEY: &str = "application/pkcs8";
const CERTIFICATE: &str = "application/pkcs7-mime; smime-type=certs-only";

/// Wiped when it is sent; in one piece from the beginning, so that growing leaves no copy behind.
pub(super) fn of(pkcs8: &[u8], certs_only: &[u8], form: Base64Form) -> Zeroizing<String> {
    const HEADERS_BYTES: usize = 512;
    let parts =
        [(KEY, pkcs8), (CERTIFICATE, certs_only)].map(|(kind, der)| (kind, Zeroizing::new(write(der, form))));
    let bytes = parts.iter().map(|(_, text)| text.len()).sum::<usize>();
    let mut body = Zeroizing::new(String::with_capacity(bytes + HEADERS_BYTES));
    for (kind, text) in &parts {
        body.push_str(NEXT);
        for line in ["Content-Type: ", kind, "\r\nContent-Transfer-Encoding: base64\r\n\r\n", text, "\r\n"] {
            body.push_str(line);
        }
    }
    body.push_str(END);
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_two_parts_each_with_its_encoding() {
        let body = of(&[0; 3], &[0; 60], Base64Form::Wrapped);
        let lines = "A".repeat(64);
        let expected = format!(
            "--est-server-key\r\nContent-Type: application/pkcs8\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\n\r\n\
             --est-server-key\r\nContent-Type: application/pkcs7-mime; smime-type=certs-only\r\n\
             Content-Transfer-Encoding: base64\r\n\r\n{lines}\nAAAAAAAAAAAAAAAA\n\r\n--est-server-key--\r\n"
        );
        assert_eq!(*body, expected);
    }

    #[test]
    fn the_largest_key_fits_into_the_room_that_was_made() {
        let (key, bag) = (vec![0; 2400], vec![0; 4000]);
        for form in [Base64Form::Wrapped, Base64Form::SingleLine] {
            let bytes = write(&key, form).len() + write(&bag, form).len();
            assert!(of(&key, &bag, form).len() <= bytes + 512);
        }
    }
}
