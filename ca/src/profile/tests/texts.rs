//! Profiles as they are written.

use super::*;
use crate::profile::{GENERATION, Kind, PRIVATE_ARC};

#[test]
fn the_built_in_profiles_can_be_read_and_have_policies_of_their_own() {
    let built_in = Profile::built_in().unwrap();
    let names: Vec<_> = built_in.iter().map(|profile| profile.id.to_string()).collect();
    assert_eq!(names, ["device@1", "idevid@1", "edge-server@1", "tls-server@1", "sub-ca@1"]);
    for (at, profile) in built_in.iter().enumerate() {
        assert!(profile.policy.to_string().starts_with(&format!("{PRIVATE_ARC}.2.")));
        assert!(built_in[..at].iter().all(|other| other.policy != profile.policy));
        assert!(!profile.title.is_empty() && profile.csr.take.is_empty() && profile.scope.is_empty());
        assert_eq!(matches!(profile.kind, Kind::Authority { .. }), profile.id.name == "sub-ca");
    }
    let again = Profile::parse(DEVICE, 2).unwrap();
    assert_eq!(again.policy.parent(), built_in[0].policy.parent());
    assert_ne!(again.policy, built_in[0].policy);
}

#[test]
fn a_policy_of_ones_own_stands_instead() {
    let text = DEVICE.replacen("title", "policy = \"1.3.6.1.4.1.99999.1\"\ntitle", 1);
    assert_eq!(Profile::parse(&text, 7).unwrap().policy.to_string(), "1.3.6.1.4.1.99999.1");
}

#[test]
fn each_field_that_is_wrong_is_named_with_what_to_do() {
    for (from, to, wanted) in [
        ("name = \"device\"", "name = \"Device\"", "profile name `Device` is not one"),
        (
            "CN={common_name}",
            "CN={Common Name}",
            "field `subject` of the profile has the value `CN={Common Name}`",
        ),
        (
            "CN={common_name}",
            "CN={dns_names}",
            "name at most one fact that is a list in a line, and none in the subject",
        ),
        ("CN={common_name}", "XX={common_name}", "field `subject`"),
        ("URI:{uris?}", "URI:{uris}{dns_names}", "name at most one fact that is a list"),
        ("URI:{uris?}", "URL:{uris?}", "field `names` of the profile has the value `URL:{uris?}`"),
        ("URI:{uris?}", "HW:{uris?}", "field `names`"),
        ("\"p256\"", "\"p257\"", "unknown variant `p257`"),
        ("[\"p256\", \"p384\", \"p521\", \"ed25519\", \"rsa\"]", "[]", "field `key.kinds`"),
        (
            "[\"digital-signature\"]",
            "[]",
            "field `usage.key` of the profile has the value ``: name at least one use",
        ),
        ("digital-signature", "sign", "field `usage.key` of the profile has the value `sign`"),
        ("client-auth", "clients", "field `usage.extended` of the profile has the value `clients`"),
        ("for = \"90d\"", "for = \"90\"", "field `life.for` of the profile has the value `90`: write `90d`"),
        ("for = \"90d\"", "for = \"30s\"", "give at least a minute"),
        ("for = \"90d\"", "for = \"5m\"", "let it last longer than it is backdated"),
        (
            "backdate = \"5m\"",
            "backdate = \"25h\"",
            "field `life.backdate` of the profile has the value `25h`",
        ),
        ("past_issuer = \"truncate\"", "past_issuer = \"permit\"", "unknown variant `permit`"),
        ("grace = \"0d\"", "grace = \"-1d\"", "field `renewal.grace`"),
        ("[renewal]", "[renewals]", "unknown field `renewals`"),
        (
            "[renewal]",
            "[csr]\ntake = [\"country\"]\n[renewal]",
            "field `csr.take` of the profile has the value `country`",
        ),
        ("[renewal]", "[[extension]]\noid = \"1.2.3\"\nder = \"0c\"\n[renewal]", "field `extension.der`"),
        (
            "[renewal]",
            "[[extension]]\noid = \"2.5.29.19\"\nder = \"3000\"\n[renewal]",
            "it is written by the authority itself",
        ),
        (
            "[renewal]",
            "[[extension]]\noid = \"1.3.6.1.5.5.7.1.1\"\nder = \"3000\"\n[renewal]",
            "it is written by the authority itself",
        ),
        ("title", "policy = \"x\"\ntitle", "field `policy` of the profile has the value `x`"),
        ("title", "scope = [\"{device}\"]\ntitle", "field `scope`"),
        ("[usage]", "[usage", "profile cannot be read"),
    ] {
        assert!(DEVICE.contains(from), "{from}");
        let refused = refusal(&DEVICE.replacen(from, to, 1));
        assert!(refused.contains(wanted), "{wanted}\n{refused}");
    }
    let generation = format!("[[extension]]\noid = \"{GENERATION}\"\nder = \"0c0178\"\n");
    assert!(refusal(&format!("{DEVICE}\n{generation}")).contains("written by the authority itself"));
    assert!(refusal(&"#".repeat(16 * 1024 + 1)).contains("longer than the 16384 allowed"));
}
