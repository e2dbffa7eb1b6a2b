//! What a request at a label must have (RFC 9908): a template for clients that know it, the old list for the others. Only
//! what is refused otherwise is asked for. Pure.

use x509_cert::der::{Encode, asn1::ObjectIdentifier};

use super::PopLink;
use crate::{
    SubjectFacts,
    profile::{Demand, KeyFamily, Profile},
    tlv::{SEQUENCE, element},
};

const INFO_TEMPLATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.61");
const EXTENSION_TEMPLATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.62");
const CHALLENGE_PASSWORD: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.7");
const SUBJECT_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");

const SET: u8 = 0x31;
const NULL: [u8; 2] = [5, 0];
const VERSION_1: [u8; 3] = [2, 1, 0];
/// `[0]` and `[1]`, implicit, of something constructed.
const KEY_INFO: u8 = 0xa0;
const ATTRIBUTES: u8 = 0xa1;

/// CsrAttrs, DER, for somebody of whom this is known.
pub(super) fn of(profile: &Profile, pop_link: PopLink, known: &SubjectFacts) -> Vec<u8> {
    let demands = profile.demands(known);
    let key = profile.demands_key().map(algorithm);
    let mut list = vec![template(&demands, key.as_ref(), profile.demands_names())];
    list.extend(key.map(|(kind, parameters)| match parameters {
        Some(curve) if kind == EC_PUBLIC_KEY => attribute(kind, &curve),
        Some(_) | None => oid(kind),
    }));
    // Nobody needs to be told of a common name.
    list.extend(demands.iter().filter_map(|demand| match demand {
        Demand::Asked(kind) if *kind != COMMON_NAME => Some(oid(*kind)),
        Demand::Asked(_) | Demand::Fixed(_) => None,
    }));
    // RFC 7030 section 3.5: so that clients know.
    if pop_link == PopLink::Required {
        list.push(oid(CHALLENGE_PASSWORD));
    }
    element(SEQUENCE, &[&list.concat()])
}

/// An attribute with a CertificationRequestInfoTemplate, which leaves out what the client is to fill in.
fn template(
    demands: &[Demand],
    key: Option<&(ObjectIdentifier, Option<Vec<u8>>)>,
    names_required: bool,
) -> Vec<u8> {
    let mut info = VERSION_1.to_vec();
    let subject = demands.iter().map(|demand| match demand {
        Demand::Asked(kind) => element(SET, &[&element(SEQUENCE, &[&oid(*kind)])]),
        Demand::Fixed(rdn_der) => rdn_der.clone(),
    });
    let subject: Vec<_> = subject.collect();
    if !subject.is_empty() {
        info.extend(element(SEQUENCE, &[&subject.concat()]));
    }
    if let Some((kind, parameters)) = key {
        let algorithm = [oid(*kind), parameters.clone().unwrap_or_default()].concat();
        info.extend(element(KEY_INFO, &[&element(SEQUENCE, &[&algorithm])]));
    }
    let extensions = if names_required {
        let names = element(SEQUENCE, &[&oid(SUBJECT_ALT_NAME)]);
        attribute(EXTENSION_TEMPLATE, &element(SEQUENCE, &[&names]))
    } else {
        Vec::new()
    };
    info.extend(element(ATTRIBUTES, &[&extensions]));
    attribute(INFO_TEMPLATE, &element(SEQUENCE, &[&info]))
}

/// With its parameters, DER.
fn algorithm(key: KeyFamily) -> (ObjectIdentifier, Option<Vec<u8>>) {
    match key {
        KeyFamily::P256 => (EC_PUBLIC_KEY, Some(oid(P256))),
        KeyFamily::P384 => (EC_PUBLIC_KEY, Some(oid(P384))),
        KeyFamily::P521 => (EC_PUBLIC_KEY, Some(oid(P521))),
        KeyFamily::Ed25519 => (ED25519, None),
        KeyFamily::Rsa => (RSA_ENCRYPTION, Some(NULL.to_vec())),
    }
}

/// With one value.
fn attribute(kind: ObjectIdentifier, value_der: &[u8]) -> Vec<u8> {
    element(SEQUENCE, &[&oid(kind), &element(SET, &[value_der])])
}

fn oid(oid: ObjectIdentifier) -> Vec<u8> {
    // An object identifier that there is can be written.
    oid.to_der().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(change: impl FnOnce(String) -> String) -> Profile {
        let text = include_str!("../../profiles/device.toml");
        Profile::parse(&change(text.to_owned()), 1).unwrap()
    }

    fn nobody() -> SubjectFacts {
        SubjectFacts::default()
    }

    #[test]
    fn a_profile_that_leaves_the_choice_asks_for_a_common_name_only() {
        let wanted = "30233021060b2a864886f70d010910023d311230100201003009310730050603550403a100";
        assert_eq!(hex::encode(of(&profile(|text| text), PopLink::Optional, &nobody())), wanted);
    }

    #[test]
    fn a_curve_a_serial_number_and_what_is_fixed_stand_in_both_forms() {
        let profile = profile(|text| {
            let kinds = r#"["p256", "p384", "p521", "ed25519", "rsa"]"#;
            text.replace(kinds, r#"["p384"]"#)
                .replace("serialNumber={serial_number?}", "serialNumber={serial_number}")
                .replace("O={organization?}", "O=Contoso")
                .replace("names = [", "names_required = true\nnames = [")
        });
        let found = hex::encode(of(&profile, PopLink::Optional, &nobody()));
        let has = |what: &str, hex: &str| assert!(found.contains(&hex.replace(' ', "")), "{what}: {found}");
        has("CN and serialNumber without values", "31073005 0603550403 31073005 0603550405");
        has("O with one", &hex::encode("\x06\x03\x55\x04\x0a\x0c\x07Contoso"));
        has("[0] ecPublicKey secp384r1", "a012 3010 06072a8648ce3d0201 06052b81040022");
        has("[1] subjectAltName without a value", "3109 3007 3005 0603551d11");
        has("the old form of the key", "3012 06072a8648ce3d0201 3107 06052b81040022");
        assert!(found.ends_with("0603550405"), "the old form of the serial number: {found}");
        let linked = hex::encode(of(&profile, PopLink::Required, &nobody()));
        assert!(linked.ends_with("060355040506092a864886f70d010907"), "challengePassword: {linked}");
    }

    #[test]
    fn who_is_known_is_told_its_own_name() {
        let known = SubjectFacts {
            common_name: Some("A-17".to_owned()),
            serial_number: Some("17".to_owned()),
            ..nobody()
        };
        let found = hex::encode(of(&profile(|text| text), PopLink::Optional, &known));
        let name = format!("{}a100", hex::encode("0\x0f1\x0d0\x0b\x06\x03\x55\x04\x03\x0c\x04A-17"));
        assert!(found.ends_with(&name), "{found}");
    }

    /// One of the examples of RFC 9908 has the old form with a curve, a serial number and a hash; but for the hash, which
    /// nobody is refused for, it is ours.
    #[test]
    fn the_old_form_is_written_as_the_standard_s_examples_are() {
        let attribute = attribute(EC_PUBLIC_KEY, &oid(P384));
        let wanted = "301206072a8648ce3d0201310706052b81040022";
        assert_eq!(hex::encode(attribute), wanted);
    }
}
