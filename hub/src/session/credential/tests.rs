//! Who is let in, who is not and why, and who may stay.

use muster_identity::{Capabilities, HostName};
use muster_sas::sign;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use super::*;
use crate::tests::{HOST, device_id, key, later, now, owner_key, sas, settings, token};

fn device(id: &str, authentication: Authentication) -> Device {
    Device {
        id: device_id(id),
        generation: "1".into(),
        etag: 1,
        status: Status::Enabled,
        status_reason: None,
        status_updated: None,
        authentication,
        capabilities: Capabilities::default(),
        created: now(),
        model_id: String::new(),
        subscriptions: None,
        session_seen: None,
    }
}

fn presented<'a>(token: Option<&'a Token>, chain: &'a [Vec<u8>]) -> Presented<'a> {
    Presented { token, chain, vouched: None }
}

fn by_token(device: &Device, token: &Token) -> Result<Proven, Refused> {
    let mut settings = settings();
    settings.aliases = vec![HostName::parse("alias.example").unwrap()];
    prove(&settings, device, presented(Some(token), &[]), now())
}

#[test]
fn every_token_that_opens_the_device_is_accepted() {
    let device = device("Pump-1", sas(1, 2));
    let (first, second, hour) = (key(1), key(2), later(3600));
    let own = format!("{HOST}/devices/Pump-1");
    let tokens = [
        ("primary key", token(&own, &first, hour, None)),
        ("secondary key", token(&own, &second, hour, None)),
        ("upper-case host", token("HUB.TEST/devices/Pump-1", &first, hour, None)),
        ("alias", token("alias.example/devices/Pump-1", &first, hour, None)),
        ("old tooling", token(&format!("{own}/api-version=2016-11-14"), &first, hour, None)),
        ("within the skew of clocks", token(&own, &first, later(-299), None)),
        ("owner of the hub", token(HOST, &owner_key(), hour, Some("iothubowner"))),
        ("policy that connects devices", token(&format!("{HOST}/devices"), &key(93), hour, Some("device"))),
        ("policy, this device only", token(&own, &key(93), hour, Some("device"))),
    ];
    for (what, token) in tokens {
        let proven = by_token(&device, &token);
        assert!(proven.is_ok(), "{what}: {proven:?}");
        assert_eq!(proven.unwrap().until.unwrap().at().as_second(), token.expires_s + 300, "{what}");
    }
}

#[test]
fn an_id_may_be_encoded_once_or_twice() {
    let device = device("a+b#1", sas(1, 2));
    for id in ["a+b#1", "a%2Bb%231", "a%2bb%231"] {
        let token = token(&format!("{HOST}/devices/{id}"), &key(1), later(60), None); // which encodes it (again)
        assert!(by_token(&device, &token).is_ok(), "{id}");
    }
}

#[test]
fn every_token_that_does_not_is_refused_with_its_reason() {
    let device = device("d", sas(1, 2));
    let hour = later(3600);
    let own = format!("{HOST}/devices/d");
    let refused = |token: &Token| by_token(&device, token).unwrap_err().to_string();
    let cases = [
        (token(&own, &key(3), hour, None), "signed with neither key"),
        (token(&own, &key(1), later(-301), None), "token expired at"),
        (token(&format!("{HOST}/devices/dd"), &key(1), hour, None), "does not cover this device"),
        (token("other.test/devices/d", &key(1), hour, None), "does not cover this device"),
        (token(HOST, &key(92), hour, Some("service")), "has not the right DeviceConnect"),
        (token(HOST, &key(1), hour, Some("device")), "signed by neither key of policy `device`"),
        (token(HOST, &key(1), hour, Some("nobody")), "there is no policy `nobody`"),
        (token("other.test", &key(93), hour, Some("device")), "the token opens `other.test`"),
    ];
    for (token, reason) in cases {
        let told = refused(&token);
        assert!(told.contains(reason), "{told} does not say {reason}");
    }
    assert_eq!(prove(&settings(), &device, presented(None, &[]), now()).unwrap_err(), Refused::TokenMissing);
}

#[test]
fn a_disabled_device_is_refused_even_with_the_owners_token() {
    let device = Device { status: Status::Disabled, ..device("d", sas(1, 2)) };
    let token = token(HOST, &owner_key(), later(60), Some("iothubowner"));
    assert_eq!(by_token(&device, &token).unwrap_err(), Refused::Disabled);
}

/// A root, an intermediate under it, and a leaf of the intermediate.
struct Chain {
    root: Certificate,
    intermediate: Vec<u8>,
    leaf: Vec<u8>,
}

fn params(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params
}

fn chain(common_name: &str) -> Chain {
    let authority = |name: &str| {
        let mut params = params(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
    };
    let root = CertifiedIssuer::self_signed(authority("root"), KeyPair::generate().unwrap()).unwrap();
    let intermediate =
        CertifiedIssuer::signed_by(authority("intermediate"), KeyPair::generate().unwrap(), &root).unwrap();
    let leaf = params(common_name).signed_by(&KeyPair::generate().unwrap(), &intermediate).unwrap();
    Chain {
        root: Certificate::parse(root.der()).unwrap(),
        intermediate: intermediate.der().to_vec(),
        leaf: leaf.der().to_vec(),
    }
}

#[test]
fn a_thumbprint_names_the_certificate_by_either_hash() {
    let Chain { leaf, intermediate, .. } = chain("whoever");
    let read = Certificate::parse(&leaf).unwrap();
    let other = Certificate::parse(&intermediate).unwrap();
    let thumbprints = |primary: Option<Thumbprint>, secondary| {
        device("d", Authentication::SelfSigned { primary, secondary })
    };
    let by_chain =
        |device: &Device, chain: &[Vec<u8>]| prove(&settings(), device, presented(None, chain), now());
    let presented = [leaf, intermediate];

    for known in [read.sha1(), read.sha256()] {
        assert!(by_chain(&thumbprints(Some(known.clone()), None), &presented).is_ok());
        let device = thumbprints(Some(other.sha1()), Some(known));
        let proven = by_chain(&device, &presented).unwrap();
        assert_eq!(proven.until, None, "certificates do not end a session");
    }
    let wrong = thumbprints(Some(other.sha256()), None);
    assert_eq!(by_chain(&wrong, &presented).unwrap_err(), Refused::Thumbprint(read.sha256().to_string()));
    assert_eq!(by_chain(&wrong, &[]).unwrap_err(), Refused::CertificateMissing);
    assert_eq!(by_chain(&thumbprints(None, None), &presented).unwrap_err(), Refused::ThumbprintMissing);
}

#[test]
fn a_chain_must_lead_to_an_authority_of_the_hub_and_bear_the_devices_name() {
    let Chain { root, leaf, intermediate } = chain("d");
    let mut settings = settings();
    let device = |id: &str| device(id, Authentication::CertificateAuthority);
    let whole = [leaf.clone(), intermediate.clone()];
    let refused = |settings: &Settings, id: &str, chain: &[Vec<u8>]| {
        prove(settings, &device(id), presented(None, chain), now()).map(|proven| proven.until).unwrap_err()
    };
    assert!(matches!(refused(&settings, "d", &whole), Refused::Chain(reason) if reason.contains("has none")));

    settings.ca_certificates = vec![chain("d").root, root];
    assert!(prove(&settings, &device("d"), presented(None, &whole), now()).is_ok());
    assert!(matches!(refused(&settings, "d", &[leaf]), Refused::Chain(_)), "the intermediate must be sent");
    assert_eq!(refused(&settings, "e", &whole), Refused::CommonName("d".to_owned()));
    assert_eq!(refused(&settings, "d", &[]), Refused::CertificateMissing);
    assert!(matches!(refused(&settings, "d", &[vec![1, 2, 3]]), Refused::CertificateMalformed(_)));
}

#[test]
fn the_registry_decides_whether_password_or_certificate_counts() {
    let Chain { leaf, .. } = chain("d");
    let good_token = token(&format!("{HOST}/devices/d"), &key(1), later(60), None);
    let thumbprint = Certificate::parse(&leaf).unwrap().sha1();
    let x509 = device("d", Authentication::SelfSigned { primary: Some(thumbprint), secondary: None });
    let chain = [leaf];
    let proof = |device: &Device, token: Option<&Token>, chain: &[Vec<u8>]| {
        prove(&settings(), device, presented(token, chain), now()).map(|proven| proven.proof)
    };
    assert!(matches!(proof(&x509, Some(&good_token), &chain), Ok(Proof::Thumbprint(_))));
    assert!(matches!(proof(&x509, Some(&good_token), &[]), Err(Refused::CertificateMissing)));
    let owner = Token::parse(&sign(HOST, &owner_key(), later(60).as_second(), Some("iothubowner"))).unwrap();
    assert!(matches!(proof(&x509, Some(&owner), &[]), Err(Refused::CertificateMissing)));
    assert!(matches!(proof(&device("d", sas(1, 2)), Some(&good_token), &chain), Ok(Proof::Key(_))));
}

#[test]
fn a_session_stays_only_while_its_proof_would_be_accepted() {
    let authority = || Authentication::CertificateAuthority;
    let thumbprint = |digit: &str| Thumbprint::parse(&digit.repeat(40)).unwrap();
    let self_signed = |primary: &str, secondary: &str| Authentication::SelfSigned {
        primary: Some(thumbprint(primary)),
        secondary: Some(thumbprint(secondary)),
    };
    let changed = || Err(Disconnect::CredentialChanged);
    let cases = [
        (Proof::Key(key(1)), sas(1, 2), Ok(())),
        (Proof::Key(key(1)), sas(3, 1), Ok(())),
        (Proof::Key(key(1)), sas(3, 4), changed()),
        (Proof::Key(key(1)), authority(), changed()),
        (Proof::Policy, sas(3, 4), Ok(())),
        (Proof::Policy, self_signed("a", "b"), changed()),
        (Proof::Thumbprint(thumbprint("a")), self_signed("b", "a"), Ok(())),
        (Proof::Thumbprint(thumbprint("a")), self_signed("b", "c"), changed()),
        (Proof::Thumbprint(thumbprint("a")), authority(), changed()),
        (Proof::Authority, authority(), Ok(())),
        (Proof::Authority, sas(1, 2), changed()),
    ];
    for (proof, authentication, verdict) in cases {
        let what = format!("{proof:?} after {authentication:?}");
        assert_eq!(still_holds(&proof, &device("d", authentication)), verdict, "{what}");
    }
    let disabled = Device { status: Status::Disabled, ..device("d", sas(1, 2)) };
    assert_eq!(still_holds(&Proof::Key(key(1)), &disabled), Err(Disconnect::Disabled));
}
