//! Devices born with an identity that never ends, from an authority that never does: a manufacturer's own, brought here.

use std::path::PathBuf;

use super::*;
use crate::{KeyKind, NewAuthority};

const CONFIG: &str = include_str!("../../../examples/manufacturer.cnf");

/// A root of somebody else, with an authority of ours below it, both without an end.
async fn manufacturer(ca: &Ca) -> AuthorityId {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let write = |name: &str, text: &str| std::fs::write(PathBuf::from(path(name)), text).unwrap();
    write("config", &CONFIG.replace("DIR", dir.path().to_str().unwrap()));
    write("index", "");
    let (key, request, root, config) = (path("root.key"), path("root.csr"), path("root.pem"), path("config"));
    openssl(&[
        "req",
        "-new",
        "-nodes",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-keyout",
        &key,
        "-out",
        &request,
        "-subj",
        "/CN=Manufacturer",
    ]);
    let sign = |request: &str, out: &str, extensions: &str, more: &[&str]| {
        let mut arguments =
            vec!["ca", "-batch", "-notext", "-preserveDN", "-config", &config, "-keyfile", &key];
        arguments.extend(["-startdate", "20260101000000Z", "-enddate", "99991231235959Z"]);
        arguments.extend(["-in", request, "-out", out, "-extensions", extensions]);
        arguments.extend(more);
        openssl(&arguments);
    };
    sign(&request, &root, "root", &["-selfsign"]);
    let id = AuthorityId::parse("factory").unwrap();
    let new = NewAuthority { path_len: Some(0), key: KeyKind::P256, ..NewAuthority::new(id.clone()) };
    let caller = Caller::process();
    write("below.csr", &ca.request_intermediate(new, &caller, now()).await.unwrap());
    sign(&path("below.csr"), &path("below.pem"), "below", &["-cert", &root]);
    let chain = [path("below.pem"), root].map(|path| std::fs::read_to_string(path).unwrap()).concat();
    ca.activate(&id, &chain, &caller, now()).await.unwrap();
    id
}

#[tokio::test]
async fn an_authority_without_an_end_gives_identities_without_one() {
    for_each_ca(async |ca| {
        let authority = manufacturer(&ca).await;
        let born = SubjectFacts {
            serial_number: Some("A-17".to_owned()),
            organization: Some("Contoso".to_owned()),
            hardware: Some(hardware()),
            ..SubjectFacts::default()
        };
        let asked = Request { authority, ..request("idevid", csr(""), born) };
        let issued = ca.issue(asked.clone(), now()).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let [root, chain, leaf] = on_disk(dir.path(), &issued);
        let text = openssl(&["x509", "-in", &leaf, "-noout", "-text", "-nameopt", "RFC2253"]);
        for said in [
            "Not After : Dec 31 23:59:59 9999 GMT",
            "Subject: serialNumber=A-17,O=Contoso",
            "X509v3 Subject Alternative Name: \n                othername: 1.3.6.1.5.5.7.8.4::<unsupported>",
        ] {
            assert!(text.contains(said), "{said}\n{text}");
        }
        let at = now().as_second().to_string();
        openssl(&[
            "verify",
            "-x509_strict",
            "-purpose",
            "sslclient",
            "-attime",
            &at,
            "-CAfile",
            &root,
            "-untrusted",
            &chain,
            &leaf,
        ]);
        // For life: there is nothing to renew.
        let renewal = crate::RenewRequest {
            old: issued.certificate,
            csr: asked.csr.clone(),
            caller: Caller::process(),
            authority: None,
            idempotency_key: None,
            holder: None,
        };
        let refused =
            ca.renew(renewal, now()).await.map(|issued| issued.certificate).unwrap_err().to_string();
        assert!(refused.ends_with("has the profile `idevid`, which is not renewed: enroll anew"));
        let until = now() + crate::workshop::DAY * 365;
        let short = ca.issue(Request { not_after: Some(until), ..asked }, now()).await.unwrap();
        assert_eq!(short.certificate.not_after(), until);
    })
    .await;
}
