//! By the certificate that a device was born with.

use rcgen::{BasicConstraints, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyUsagePurpose, SanType};

use super::*;
use crate::{
    AuthorityId, Hardware, Holder, Reason, Request as IssueRequest, SubjectFacts, What, workshop::DAY,
};
use muster_test_engines::for_each_engine;

/// Makes devices, with an authority of its own below a root.
struct Manufacturer {
    root: (CertificateParams, KeyPair),
    anchors: String,
    line: (CertificateParams, KeyPair),
}

/// Born with this.
struct Device {
    chain: Vec<Vec<u8>>,
}

fn authority(name: &str) -> (CertificateParams, KeyPair) {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    (params, KeyPair::generate().unwrap())
}

impl Manufacturer {
    fn new(name: &str) -> Self {
        let root = authority(&format!("{name} root"));
        let anchors = root.0.self_signed(&root.1).unwrap().pem();
        Self { root, anchors, line: authority(&format!("{name} line 1")) }
    }

    /// As IEEE 802.1AR has them: endless, for no purpose in particular.
    fn device(&self, serial_number: &str) -> Device {
        self.bent(|params| {
            params.distinguished_name.push(serial_number_type(), serial_number);
        })
    }

    fn bent(&self, bend: impl FnOnce(&mut CertificateParams)) -> Device {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "Acme pump");
        params.not_after = rcgen::date_time_ymd(9999, 12, 31);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        bend(&mut params);
        let line = Issuer::from_params(&self.line.0, &self.line.1);
        let root = Issuer::from_params(&self.root.0, &self.root.1);
        let leaf = params.signed_by(&KeyPair::generate().unwrap(), &line).unwrap();
        let above = self.line.0.signed_by(&self.line.1, &root).unwrap();
        Device { chain: [leaf, above].map(|it| it.der().to_vec()).into() }
    }
}

fn serial_number_type() -> DnType {
    DnType::CustomDnType(vec![2, 5, 4, 5])
}

impl Server {
    async fn trusting(&self, manufacturer: &Manufacturer, change: impl FnOnce(&mut EstTrust)) {
        let mut trust =
            serde_json::from_value(serde_json::json!({ "anchors": manufacturer.anchors })).unwrap();
        change(&mut trust);
        self.label(|label| label.trust = Some(trust)).await;
    }
}

fn ask(operation: &str, device: &Device, body: Vec<u8>) -> Call {
    Call { chain: device.chain.clone(), ..post(&format!("lab1/{operation}"), body) }
}

#[tokio::test]
async fn a_device_gets_its_first_certificate_by_the_one_it_was_born_with() {
    for_each_engine(async |db| {
        let dir = tempfile::tempdir().unwrap();
        let ca = open(dir.path(), &db).await;
        let server = Server { ca, db, dir, at: now() };
        let acme = Manufacturer::new("Acme");
        server.trusting(&acme, |_| {}).await;
        let device = acme.device("A-17");
        let key = KeyPair::generate().unwrap();
        let first = server.send(ask("simpleenroll", &device, csr("A-17", &key))).await.certificate();
        assert_eq!(first.subject(), "CN=A-17");
        let found = server.ca.identify(&[first.der().to_vec()], now()).unwrap();
        assert_eq!(found.holder, Some(Holder { name: "a-17".to_owned(), generation: "1".to_owned() }));
        let entry = server.entries().await.remove(0);
        let leaf = Certificate::parse(&device.chain[0]).unwrap();
        assert_eq!(
            (&*entry.action, &*entry.decision, &*entry.actor),
            ("certificate.issue", "allowed", "A-17")
        );
        assert_eq!(entry.credential, format!("idevid:lab1/{}", leaf.sha256()));
        // From here on by what it got, as every device.
        server.send(post("lab1/simplereenroll", csr("A-17", &key)).with(&first)).await.certificate();
        // And after it was reset, from the beginning; nobody has to say a name.
        let nameless = bent(&KeyPair::generate().unwrap(), |params| {
            params.distinguished_name = DistinguishedName::new();
        });
        let again = server.send(ask("simpleenroll", &device, nameless)).await.certificate();
        assert_eq!(again.subject(), first.subject());
        // What it was born with is not renewed here.
        let answer = server.send(ask("simplereenroll", &device, csr("A-17", &key))).await;
        answer.is_refused(403, "not issued here");
        server.ca.close(server.at).await;
    })
    .await;
}

#[tokio::test]
async fn what_a_device_is_called_is_not_for_its_request_to_say() {
    let server = Server::open().await;
    let acme = Manufacturer::new("Acme");
    server.trusting(&acme, |_| {}).await;
    let device = acme.device("A-17");
    let answer = server.send(ask("simpleenroll", &device, fresh("A-18"))).await;
    answer.is_refused(400, "common name `A-18` of the certification request is not `A-17`");
    let entry = server.entries().await.remove(0);
    assert!(entry.decision == "refused" && entry.reason.contains("`A-18`"), "{}", entry.reason);
    let named = |serial_number: &str| {
        bent(&KeyPair::generate().unwrap(), |params| {
            params.distinguished_name = DistinguishedName::new();
            params.distinguished_name.push(DnType::CommonName, "A-17");
            params.distinguished_name.push(serial_number_type(), serial_number);
            params.distinguished_name.push(DnType::OrganizationName, "Contoso");
            params.subject_alt_names = vec![SanType::URI("urn:device:A-18".try_into().unwrap())];
        })
    };
    let answer = server.send(ask("simpleenroll", &device, named("A-18"))).await;
    answer.is_refused(403, "serial number `A-18` is not that of the client certificate");
    let made = server.send(ask("simpleenroll", &device, named("A-17"))).await.certificate();
    assert_eq!(made.subject(), "SERIALNUMBER=A-17,CN=A-17");
    assert!(!String::from_utf8_lossy(made.der()).contains("A-18"));
    assert!(server.entries().await[0].reason.contains("left out: name URI:urn:device:A-18"));
    // Unless the profile takes it.
    let generous =
        include_str!("../../../profiles/device.toml").replace("[key]", "[csr]\ntake = [\"uris\"]\n\n[key]");
    server.ca.put_profile("device", &generous, &Caller::process(), now()).await.unwrap();
    let made = server.send(ask("simpleenroll", &device, named("A-17"))).await.certificate();
    assert!(String::from_utf8_lossy(made.der()).contains("urn:device:A-18"));
    server.close().await;
}

#[tokio::test]
async fn a_label_says_what_of_the_certificate_names_the_device_and_which_names_it_takes() {
    let server = Server::open().await;
    let acme = Manufacturer::new("Acme");
    server
        .trusting(&acme, |trust| {
            trust.name = "acme-{serial_number}".to_owned();
            trust.names = vec!["acme-A-*".to_owned()];
        })
        .await;
    let enroll = |device: &Device, name: &str| server.send(ask("simpleenroll", device, fresh(name)));
    let made = enroll(&acme.device("A-17"), "acme-A-17").await.certificate();
    assert_eq!(made.subject(), "CN=acme-A-17");
    enroll(&acme.device("A-17"), "A-17").await.is_refused(400, "is not `acme-A-17`");
    enroll(&acme.device("B-17"), "acme-B-17").await.is_refused(403, "device `acme-B-17` is outside");
    let unnumbered = acme.bent(|_| {});
    enroll(&unnumbered, "acme-").await.is_refused(403, "`CN=Acme pump` has no `serial_number`");
    let entries = server.entries().await;
    for (entry, why) in entries.iter().zip(["has no `serial_number`", "is outside"]) {
        assert!(entry.decision == "refused" && entry.reason.contains(why), "{}", entry.reason);
        assert!(entry.credential.starts_with("idevid:lab1/"), "{}", entry.credential);
    }
    server.trusting(&acme, |trust| trust.name = "{common_name}".to_owned()).await;
    let made = enroll(&unnumbered, "Acme pump").await.certificate();
    assert_eq!(made.subject(), "CN=Acme pump");
    server.close().await;
}

#[tokio::test]
async fn csrattrs_tells_a_device_what_it_is_called_and_a_stranger_nothing() {
    let server = Server::open().await;
    let [acme, other] = ["Acme", "Other"].map(Manufacturer::new);
    server.trusting(&acme, |trust| trust.name = "acme-{serial_number}".to_owned()).await;
    let asked = async |device: Option<Device>| {
        let chain = device.map(|device| device.chain).unwrap_or_default();
        let answer = server.send(Call { chain, ..get("lab1/csrattrs") }).await;
        assert_eq!(answer.status, 200);
        BASE64_STANDARD.decode(answer.body.replace('\n', "")).unwrap()
    };
    let told = asked(Some(acme.device("A-17"))).await;
    assert!(String::from_utf8_lossy(&told).contains("acme-A-17"));
    let open = asked(None).await;
    assert_eq!(asked(Some(other.device("A-17"))).await, open);
    assert_eq!(asked(Some(acme.bent(|_| {}))).await, open);
    server.close().await;
}

#[tokio::test]
async fn a_stranger_is_told_nothing_and_its_reason_is_on_record() {
    let server = Server::open().await;
    let [acme, other] = ["Acme", "Other"].map(Manufacturer::new);
    server.trusting(&acme, |_| {}).await;
    let numbered = |params: &mut CertificateParams| {
        params.distinguished_name.push(serial_number_type(), "A-17");
    };
    let alone = Device { chain: vec![acme.device("A-17").chain[0].clone()] };
    let expired = acme.bent(|params| {
        numbered(params);
        params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    });
    let server_only = acme.bent(|params| {
        numbered(params);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    });
    let an_authority = acme.bent(|params| {
        numbered(params);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    });
    let mut altered = acme.device("A-17");
    let last = altered.chain[0].len() - 1;
    altered.chain[0][last] ^= 1;
    for (device, why) in [
        (other.device("A-17"), "is not issued by `CN=Acme root`"),
        (alone, "nor by a certificate that was presented"),
        (expired, "expired at 2020-01-01"),
        (server_only, "is not for TLS clients"),
        (an_authority, "is an authority itself"),
        (altered, "does not verify"),
    ] {
        let answer = server.send(ask("simpleenroll", &device, fresh("A-17"))).await;
        answer.is_refused(401, "client certificate is of nobody whom this label trusts: ask its operator");
        assert_eq!(answer.header("www-authenticate"), "Basic realm=\"lab1\"");
        let entry = server.entries().await.remove(0);
        assert!(entry.decision == "refused" && entry.reason.contains(why), "{why}: {}", entry.reason);
        assert!(entry.credential.starts_with("idevid:lab1/"), "{}", entry.credential);
    }
    // Who has a password needs nobody's trust; where too many try, they wait, and others do not.
    let credential = server.credential(|_| {}).await;
    let stranger = other.device("A-17");
    server.send(ask("simpleenroll", &stranger, fresh("A-17")).by(&credential)).await.certificate();
    for _ in 6..600 {
        server.ca.est.attempts.was_stranger(Some("192.0.2.7:4711".parse().unwrap()), now());
    }
    let answer = server.send(ask("simpleenroll", &acme.device("A-19"), fresh("A-19"))).await;
    answer.is_refused(429, "too many attempts failed");
    server.send(ask("simpleenroll", &stranger, fresh("A-20")).by(&credential)).await.certificate();
    let elsewhere = ask("simpleenroll", &acme.device("A-19"), fresh("A-19"));
    server.send(Call { from: "192.0.2.9".to_owned(), ..elsewhere }).await.certificate();
    server.close().await;
}

#[tokio::test]
async fn trust_is_checked_when_it_is_set_and_each_refusal_is_on_record() {
    let server = Server::open().await;
    let acme = Manufacturer::new("Acme");
    let device = Certificate::parse(&acme.device("A-17").chain[0]).unwrap();
    let anchors = &acme.anchors;
    let trust = |anchors: &str, name: &str| EstTrust {
        anchors: anchors.to_owned(),
        name: name.to_owned(),
        names: Vec::new(),
    };
    let mut over = authority("Over");
    over.0.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let over = over.0.self_signed(&over.1).unwrap().pem();
    let serial = "{serial_number}";
    for (trust, why) in [
        (trust("", serial), "trust.anchors"),
        (trust("-----BEGIN CERTIFICATE-----\n?", serial), "give certificates of authorities as PEM"),
        (trust(&KeyPair::generate().unwrap().serialize_pem(), serial), "PRIVATE KEY"),
        (trust(&muster_x509::to_pem(device.der()), serial), "cannot issue certificates"),
        (trust(&anchors.repeat(17), serial), "at most 16"),
        (trust(&over, serial), "`CN=Over`, which cannot be trusted (it expired at 2020-01-01T00:00:00Z)"),
        (trust(anchors, "pump"), "trust.name"),
        (trust(anchors, "{serial_number?}"), "trust.name"),
        (trust(anchors, "{mac}"), "trust.name"),
        (trust(anchors, ""), "trust.name"),
        (EstTrust { names: vec!["{device}".to_owned()], ..trust(anchors, serial) }, "trust.names"),
        (EstTrust { names: vec!["*".to_owned(); 65], ..trust(anchors, serial) }, "trust.names"),
    ] {
        let label = EstLabel { trust: Some(trust), ..EstLabel::named("lab1") };
        let error = server.ca.put_est_label(label, &Caller::process(), now()).await.unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
        let entry = server.entries().await.remove(0);
        assert_eq!((&*entry.decision, &*entry.object), ("refused", "est/label/lab1"));
        assert!(error.starts_with(&*entry.reason), "{error}");
    }
    server.trusting(&acme, |_| {}).await;
    let root = muster_x509::read_certificates(anchors).unwrap().remove(0);
    assert!(server.entries().await[0].reason.contains(&root.sha256().to_string()));
    server.close().await;
}

#[tokio::test]
async fn trust_outlives_a_restart_and_ends_when_the_label_has_it_no_more() {
    let server = Server::open().await;
    let acme = Manufacturer::new("Acme");
    server.trusting(&acme, |_| {}).await;
    let server = server.again().await;
    let ask = || ask("simpleenroll", &acme.device("A-17"), fresh("A-17"));
    server.send(ask()).await.certificate();
    server.label(|_| {}).await;
    server.send(ask()).await.is_refused(401, "show user and password");
    server.trusting(&acme, |_| {}).await;
    server.send(ask()).await.certificate();
    server.ca.delete_est_label("lab1", &Caller::process(), now()).await.unwrap();
    assert_eq!(server.send(ask()).await.status, 404);
    server.label(|_| {}).await;
    server.send(ask()).await.is_refused(401, "show user and password");
    server.close().await;
}

#[tokio::test]
async fn a_device_that_was_barred_stays_out_whatever_it_was_born_with() {
    let server = Server::open().await;
    let acme = Manufacturer::new("Acme");
    server.trusting(&acme, |_| {}).await;
    let device = acme.device("A-17");
    server.send(ask("simpleenroll", &device, fresh("A-17"))).await.certificate();
    let what = What::Holder("a-17".to_owned());
    server.ca.revoke(what, Reason::KeyCompromise, &Caller::process(), now()).await.unwrap();
    server.send(ask("simpleenroll", &device, fresh("A-17"))).await.is_refused(403, "barred");
    server.close().await;
}

#[tokio::test]
async fn somebody_looks_at_it_first_where_the_label_says_so_and_it_may_get_a_key() {
    let server = Server::open().await;
    let acme = Manufacturer::new("Acme");
    server.trusting(&acme, |_| {}).await;
    let trust = server.ca.est_label("lab1").unwrap().trust;
    server
        .label(|label| {
            label.trust = trust;
            label.approval = Approval::Manual;
            label.server_keygen = true;
        })
        .await;
    let device = acme.device("A-17");
    let body = fresh("A-17");
    for operation in ["simpleenroll", "serverkeygen"] {
        let ask = || ask(operation, &device, body.clone());
        server.send(ask()).await.is_refused(202, "waiting");
        let waiting = server.ca.est_requests(10).await.unwrap().remove(0);
        assert!(waiting.caller.starts_with("idevid:lab1/") && waiting.caller.ends_with(" A-17"));
        let caller = Caller::process();
        server.ca.decide_est_request(&waiting.id, Verdict::Approved, &caller, now()).await.unwrap();
        assert_eq!(server.send(ask()).await.status, 200, "{operation}");
    }
    server.close().await;
}

#[tokio::test]
async fn devices_that_were_born_here_are_as_good_where_our_own_authority_is_trusted() {
    let server = Server::open().await;
    let ca = &server.ca;
    // A manufacturer's authority, which lasts as long as its devices.
    let factory = AuthorityId::parse("factory").unwrap();
    let new = crate::NewAuthority { life: None, ..crate::NewAuthority::new(factory.clone()) };
    ca.create_root(new, &Caller::process(), now()).await.unwrap();
    let endless = include_str!("../../../profiles/idevid.toml")
        .replace("past_issuer = \"refuse\"", "past_issuer = \"truncate\"");
    ca.put_profile("idevid", &endless, &Caller::process(), now()).await.unwrap();
    let hardware = Hardware { kind: "1.3.6.1.4.1.32473.1".to_owned(), serial: b"M-1".to_vec() };
    let born = ca
        .issue(
            IssueRequest {
                authority: factory.clone(),
                profile: "idevid".to_owned(),
                csr: csr_of("", &KeyPair::generate().unwrap()),
                subject: SubjectFacts {
                    serial_number: Some("M-1".to_owned()),
                    hardware: Some(hardware),
                    ..SubjectFacts::default()
                },
                caller: Caller::process(),
                idempotency_key: None,
                holder: None,
                not_after: None,
            },
            now(),
        )
        .await
        .unwrap()
        .certificate;
    let ask = || post("lab1/simpleenroll", fresh("M-1")).with(&born);
    server.label(|_| {}).await;
    server.send(ask()).await.is_refused(403, "profile `idevid`");
    let anchors = muster_x509::to_pem(ca.authority(&factory).unwrap().certificate.as_ref().unwrap().der());
    let trust = EstTrust { anchors, name: "{serial_number}".to_owned(), names: Vec::new() };
    server.label(|label| label.trust = Some(trust)).await;
    let made = server.send(ask()).await.certificate();
    assert_eq!(made.common_name(), Some("M-1"));
    // What it got is renewed as ever, and what it was born with can be taken back.
    let later = Server { at: now() + DAY, ..server };
    later.send(post("lab1/simpleenroll", fresh("M-1")).with(&made)).await.certificate();
    let serial = <[u8; 16]>::try_from(born.serial()).unwrap();
    let what = What::Serial { authority: factory, serial };
    later.ca.revoke(what, Reason::KeyCompromise, &Caller::process(), later.at).await.unwrap();
    later.send(post("lab1/simpleenroll", fresh("M-1")).with(&born)).await.is_refused(403, "was revoked");
    later.close().await;
}
