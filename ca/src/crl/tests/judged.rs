//! What openssl says of them.

use super::*;
use crate::workshop::{openssl, openssl_says};

struct Files {
    dir: tempfile::TempDir,
}

impl Files {
    fn new(running: &Running) -> Self {
        let files = Self { dir: tempfile::tempdir().unwrap() };
        for id in [AuthorityId::root(), AuthorityId::issuing()] {
            files.put(&format!("{id}.pem"), &to_pem(running.certificate(&id).der()));
        }
        files
    }

    fn put(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    fn crl(&self, running: &Running, authority: &AuthorityId, shard: u16) -> String {
        let (der, pem) = (self.path("crl.der"), self.path(&format!("{authority}-{shard}.crl.pem")));
        std::fs::write(&der, running.der(authority, shard)).unwrap();
        openssl(&["crl", "-inform", "DER", "-in", &der, "-out", &pem]);
        pem
    }

    /// Whether openssl takes the certificate at that time with these lists, and what it says.
    fn verify(&self, check: &str, crls: &[String], issued: &Issued, at: Timestamp) -> (bool, String) {
        let device = self.put("device.pem", &to_pem(issued.certificate.der()));
        let (root, issuing) = (self.path("root.pem"), self.path("issuing.pem"));
        let at = at.as_second().to_string();
        let mut arguments = vec!["verify", "-x509_strict", "-attime", &at, check, "-CAfile", &root];
        arguments.extend(["-untrusted", &issuing]);
        arguments.extend(crls.iter().flat_map(|crl| ["-CRLfile", crl.as_str()]));
        arguments.push(&device);
        openssl_says(&arguments)
    }
}

#[tokio::test]
async fn openssl_takes_the_right_list_refuses_the_wrong_one_and_finds_the_revoked() {
    for_each_site(async |site| {
        let running = site.open(now()).await;
        let files = Files::new(&running);
        let issued = running.issue("pump-1").await;
        let (id, shard) = (AuthorityId::issuing(), running.shard_of(&issued));
        let right = files.crl(&running, &id, shard);
        let wrong = files.crl(&running, &id, (shard + 1) % 64);
        let root = files.crl(&running, &AuthorityId::root(), 0);
        let (fine, said) = files.verify("-crl_check", std::slice::from_ref(&right), &issued, now());
        assert!(fine, "{said}");
        let (fine, said) = files.verify("-crl_check_all", &[right, root.clone()], &issued, now());
        assert!(fine, "{said}");
        let (fine, said) = files.verify("-crl_check", &[wrong], &issued, now());
        assert!(!fine && said.contains("error 44 "), "{said}");
        let at = now() + DAY;
        running.revoke(serial_of(&issued), Reason::KeyCompromise, at).await;
        let right = files.crl(&running, &id, shard);
        let (fine, said) = files.verify("-crl_check", std::slice::from_ref(&right), &issued, at);
        assert!(!fine && said.contains("error 23 "), "{said}");
        let text = openssl(&["crl", "-in", &right, "-noout", "-text"]);
        for line in [
            "Version 2",
            "X509v3 CRL Number: \n                2",
            "Key Compromise",
            "Only User Certificates",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
        let issuing = files.path("issuing.pem");
        let said = openssl(&["crl", "-in", &right, "-noout", "-CAfile", &issuing]);
        assert!(said.contains("verify OK"), "{said}");
        running.close().await;
    })
    .await;
}

#[tokio::test]
async fn openssl_finds_the_revoked_authority() {
    for_each_site(async |site| {
        let running = site.open(now()).await;
        let files = Files::new(&running);
        let issued = running.issue("pump-1").await;
        let id = AuthorityId::issuing();
        running.revoke(What::Authority(id.clone()), Reason::CaCompromise, now()).await;
        let right = files.crl(&running, &id, running.shard_of(&issued));
        let root = files.crl(&running, &AuthorityId::root(), 0);
        let (fine, said) = files.verify("-crl_check_all", &[right, root], &issued, now());
        assert!(!fine && said.contains("error 23 at 1 depth"), "{said}");
        running.close().await;
    })
    .await;
}
