//! How answers are written in base64: no form is read by all clients, so each gets what it sent. Pure.

use base64::{Engine, prelude::BASE64_STANDARD};
use zeroize::Zeroizing;

use crate::Base64Form;

const COLUMNS: usize = 64;
/// DER of a request begins with a SEQUENCE; base64 and PEM do not begin with this octet.
const SEQUENCE: u8 = 0x30;

/// In the form that the request came in; DER tells none.
pub(super) fn form_of(body: &[u8], otherwise: Base64Form) -> Base64Form {
    if body.first() == Some(&SEQUENCE) {
        return otherwise;
    }
    if body.trim_ascii().contains(&b'\n') { Base64Form::Wrapped } else { Base64Form::SingleLine }
}

/// Ended by a line feed: libest wants it at the end of one line, too.
pub(super) fn write(der: &[u8], form: Base64Form) -> String {
    // A private key, perhaps: one copy, the one that is returned.
    let base64 = Zeroizing::new(BASE64_STANDARD.encode(der));
    let columns = match form {
        Base64Form::Wrapped => COLUMNS,
        Base64Form::SingleLine => base64.len().max(1),
    };
    let mut text = String::with_capacity(base64.len() + base64.len() / columns + 1);
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(columns));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_sends_lines_gets_lines_and_who_sends_one_gets_one() {
        let other = Base64Form::Wrapped;
        for (body, form) in [
            (&b"AAAA"[..], Base64Form::SingleLine),
            (b"AAAA\n", Base64Form::SingleLine),
            (b"AAAA\r\n", Base64Form::SingleLine),
            (b"AAAA\nAAAA\n", Base64Form::Wrapped),
            (b"AAAA\r\nAAAA", Base64Form::Wrapped),
            (
                b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----",
                Base64Form::Wrapped,
            ),
            (b"\x30\x0a", other),
        ] {
            assert_eq!(form_of(body, other), form, "{body:?}");
        }
        assert_eq!(form_of(b"\x30\x0a", Base64Form::SingleLine), Base64Form::SingleLine);
    }

    #[test]
    fn lines_have_64_columns_and_the_last_one_ends() {
        let wrapped = write(&[0; 60], Base64Form::Wrapped);
        assert_eq!(wrapped, format!("{}\n{}\n", "A".repeat(64), "A".repeat(16)));
        assert_eq!(write(&[0; 60], Base64Form::SingleLine), format!("{}\n", "A".repeat(80)));
    }
}
