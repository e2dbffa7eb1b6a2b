//! Requests that ask for what nobody may have, each refused with its own message (pki threat model).

use super::*;

#[tokio::test]
async fn each_hostile_request_is_refused_in_its_own_words_and_recorded() {
    for_each_ca(async |ca| {
        let asked = |extensions: &[&str]| {
            request("device", openssl_csr("/CN=pump-1", &P256, extensions), facts("pump-1"))
        };
        let named = |subject: SubjectFacts| request("device", csr(""), subject);
        let server = |names: &[&str]| request("tls-server", csr(""), hosts(names, &[]));
        let more = |uri: &str| named(SubjectFacts { uris: vec![uri.to_owned()], ..facts("pump-1") });
        let cases = vec![
            (
                asked(&["basicConstraints=critical,CA:TRUE"]),
                "asks to be an authority, which the profile does not make: leave out basicConstraints",
            ),
            (
                asked(&["keyUsage=critical,digitalSignature,keyCertSign"]),
                "asks for key usage `keyCertSign`, which is for authorities only",
            ),
            (
                asked(&["keyUsage=critical,cRLSign"]),
                "asks for key usage `cRLSign`, which is for authorities only",
            ),
            (asked(&["extendedKeyUsage=anyExtendedKeyUsage"]), "asks for the purpose `2.5.29.37.0`"),
            (asked(&["extendedKeyUsage=OCSPSigning"]), "asks for the purpose `1.3.6.1.5.5.7.3.9`"),
            (asked(&["extendedKeyUsage=timeStamping"]), "asks for the purpose `1.3.6.1.5.5.7.3.8`"),
            (asked(&["nameConstraints=permitted;DNS:example"]), "asks for the extension `nameConstraints`"),
            (
                asked(&["policyConstraints=requireExplicitPolicy:0"]),
                "asks for the extension `policyConstraints`",
            ),
            (asked(&["inhibitAnyPolicy=0"]), "asks for the extension `inhibitAnyPolicy`"),
            (
                request("device", csr("pump-2"), facts("pump-1")),
                "common name `pump-2` of the certification request is not `pump-1`",
            ),
            (named(SubjectFacts::default()), "fact `common_name` is missing"),
            (named(facts("")), "fact `common_name` is 0 bytes long"),
            (
                named(facts("pump-1\0.example")),
                "fact `common_name` is 15 bytes long, or has control characters",
            ),
            (
                named(facts("pump-1\u{202e}")),
                "subject attribute `CN` with the value `pump-1\u{202e}` has characters that are not seen",
            ),
            (named(facts(&"x".repeat(65))), "subject attribute `CN` with the value `xxx"),
            (named(facts(" pump-1")), "is empty, or has blanks around it"),
            (
                named(SubjectFacts { serial_number: Some("a*b".to_owned()), ..facts("pump-1") }),
                "subject attribute `serialNumber` with the value `a*b`",
            ),
            (
                named(SubjectFacts {
                    more: [("Common Name".to_owned(), "x".to_owned())].into(),
                    ..facts("pump-1")
                }),
                "fact `Common Name`",
            ),
            (more("not a uri"), "alternative name `not a uri` is no absolute URI"),
            (more("http://a b"), "alternative name `http://a b` is no URI"),
            (server(&["pump-1"]), "alternative name `pump-1` is a bare name: write its domain, too"),
            (server(&["*"]), "is no host name"),
            (server(&["a.*.example"]), "is no host name"),
            (server(&["-a.example"]), "is no host name"),
            (server(&["a..example"]), "is no host name"),
            (server(&["10.0.0.1"]), "ends in a number, as an address does"),
            (server(&["pümp.example"]), "subject alternative name `pümp.example` is not ASCII"),
            (server(&[]), "there is no subject alternative name, and the profile wants one"),
            (
                request(
                    "tls-server",
                    openssl_csr("/CN=", &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-521"], &[]),
                    hosts(&["a.example"], &[]),
                ),
                "public key is p521, and the profile takes p256, p384, ed25519, rsa only",
            ),
            (
                request(
                    "idevid",
                    csr(""),
                    SubjectFacts {
                        hardware: Some(Hardware { kind: "x".to_owned(), ..hardware() }),
                        serial_number: Some("1".to_owned()),
                        ..SubjectFacts::default()
                    },
                ),
                "hardware type `x` is no object identifier",
            ),
            (
                request("sub-ca", csr(""), facts("Line 7")),
                "the authority's certificate allows no authority below it",
            ),
            (
                Request {
                    holder: Some(crate::Holder { name: "pump-1".to_owned(), generation: "a b".to_owned() }),
                    ..device("pump-1")
                },
                "holder's generation `a b` is not usable",
            ),
        ];
        for (hostile, wanted) in cases {
            let refused = refusal(ca.issue(hostile, now()).await);
            assert!(refused.contains(wanted), "{wanted}\n{refused}");
            let entry = last_entry(&ca).await;
            assert_eq!((&*entry.decision, &*entry.reason), ("refused", &*refused));
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_asked_for_and_not_given_is_left_out_and_told_or_refused_when_the_profile_says_so() {
    for_each_ca(async |ca| {
        let surplus = || {
            let extensions = [
                "subjectAltName=DNS:admin.example,URI:urn:example:pump-1,IP:10.0.0.1",
                "extendedKeyUsage=clientAuth,serverAuth",
                "keyUsage=digitalSignature",
                "1.2.3.4=ASN1:UTF8String:x",
            ];
            let subject = SubjectFacts { uris: vec!["urn:example:pump-1".to_owned()], ..facts("pump-1") };
            request("device", openssl_csr("/O=Contoso/CN=pump-1", &P256, &extensions), subject)
        };
        let issued = ca.issue(surplus(), now()).await.unwrap();
        assert_eq!(
            issued.remarks,
            [
                "left out: purpose 1.3.6.1.5.5.7.3.1",
                "left out: subject attribute O=Contoso",
                "left out: name DNS:admin.example",
                "left out: name IP:10.0.0.1",
                "left out: extension 1.2.3.4",
            ]
        );
        let dir = tempfile::tempdir().unwrap();
        let [.., leaf] = on_disk(dir.path(), &issued);
        let text = openssl(&["x509", "-in", &leaf, "-noout", "-text"]);
        for absent in ["Contoso", "admin.example", "10.0.0.1", "Server Authentication", "1.2.3.4"] {
            assert!(!text.contains(absent), "{absent}");
        }
        assert!(last_entry(&ca).await.reason.contains("left out: name DNS:admin.example"));

        let host = SubjectFacts { dns_names: vec!["a.example".to_owned()], ..facts("pump-1") };
        let issued = ca.issue(request("device", csr(""), host), now()).await.unwrap();
        assert_eq!(issued.remarks, ["left out: fact `dns_names`, which the profile does not use"]);

        let strict = include_str!("../../../profiles/device.toml").to_owned() + "\n[csr]\nsurplus = \"refuse\"\n";
        ca.put_profile("device", &strict, &Caller::process(), now()).await.unwrap();
        assert_eq!(
            refusal(ca.issue(surplus(), now()).await),
            "certification request asks for `purpose 1.3.6.1.5.5.7.3.1`, which the profile does not give: leave it out"
        );
        let other = request("device", openssl_csr("/O=Contoso/CN=pump-1", &P256, &[]), facts("pump-1"));
        assert_eq!(
            refusal(ca.issue(other, now()).await),
            "certification request asks for `subject attribute O=Contoso`, which the profile does not give: leave it out"
        );
    })
    .await;
}

#[tokio::test]
async fn a_profile_takes_from_a_request_what_it_names_and_what_nobody_else_knows() {
    for_each_ca(async |ca| {
        let text = include_str!("../../../profiles/edge-server.toml").to_owned()
            + "\n[csr]\ntake = [\"common_name\", \"dns_names\", \"organization\"]\n";
        let text = text.replace("name = \"edge-server\"", "name = \"taking\"");
        ca.put_profile("taking", &text, &Caller::process(), now()).await.unwrap();
        let san = ["subjectAltName=DNS:a.example,IP:10.0.0.1"];
        let csr = || openssl_csr("/O=Contoso/CN=gateway-1", &P256, &san);
        let issued = ca.issue(request("taking", csr(), SubjectFacts::default()), now()).await.unwrap();
        assert_eq!(issued.certificate.subject(), "O=Contoso,CN=gateway-1");
        assert_eq!(issued.remarks, ["left out: name IP:10.0.0.1"]);
        let known = SubjectFacts { organization: Some("Fabrikam".to_owned()), ..SubjectFacts::default() };
        let issued = ca.issue(request("taking", csr(), known), now()).await.unwrap();
        assert_eq!(issued.certificate.subject(), "O=Fabrikam,CN=gateway-1");
    })
    .await;
}
