//! Authorities made by hand.

use jiff::SignedDuration;

use muster_x509::to_pem;

use super::{Running, for_each_site, id_of, write};
use crate::{
    BaseUrl, Caller, KeyKind, NewAuthority, Settings, State,
    workshop::{DAY, entropy, now, openssl},
};

fn new(id: &str) -> NewAuthority {
    NewAuthority::new(id_of(id))
}

async fn refusal(running: &Running, parent: Option<&str>, new: NewAuthority) -> String {
    let caller = Caller::process();
    let outcome = match parent {
        None => running.ca.create_root(new, &caller, now()).await,
        Some(parent) => running.ca.create_intermediate(&id_of(parent), new, &caller, now()).await,
    };
    outcome.unwrap_err().to_string()
}

#[tokio::test]
async fn openssl_follows_a_hierarchy_of_every_kind_of_key_to_its_root() {
    for_each_site(async |site| {
        let running = site.open(now()).await;
        let caller = Caller::process();
        for kind in KeyKind::ALL {
            let ids = ["root", "regions", "plant", "line"].map(|part| format!("{part}-{kind}"));
            let root = NewAuthority {
                key: kind,
                organization: Some("Contoso, Ltd. \"A+B\"".to_owned()),
                ..new(&ids[0])
            };
            running.ca.create_root(root, &caller, now()).await.unwrap();
            for (parent, (id, path_len)) in ids.iter().zip(ids[1..].iter().zip([2, 1, 0])) {
                let below = NewAuthority { key: kind, path_len: Some(path_len), ..new(id) };
                running.ca.create_intermediate(&id_of(parent), below, &caller, now()).await.unwrap();
            }
            let chain: Vec<String> =
                running.ca.chain(&id_of(&ids[3])).iter().map(|it| to_pem(it.der())).collect();
            assert_eq!(chain.len(), 4);
            let dir = tempfile::tempdir().unwrap();
            let leaf = write(dir.path(), "leaf", &chain[0]);
            let between = write(dir.path(), "between", &chain[1..3].concat());
            let root = write(dir.path(), "root", &chain[3]);
            let at = now().as_second().to_string();
            let verify =
                ["verify", "-x509_strict", "-attime", &at, "-CAfile", &root, "-untrusted", &between, &leaf];
            assert!(openssl(&verify).contains("OK"));
        }
        running.close().await;
    })
    .await;
}

#[tokio::test]
async fn certificates_say_what_authorities_may_and_where_their_issuer_tells_of_them() {
    let dir = tempfile::tempdir().unwrap();
    let db = muster_store::Db::open_memory().await.unwrap();
    let base_url = Some(BaseUrl::parse("http://ca.factory.example:8080/").unwrap());
    let settings = Settings { base_url, ..Settings::new(dir.path()) };
    let ca = crate::Ca::open(settings, db, entropy(), now()).await.unwrap();
    let text = |id: &str| {
        let pem = to_pem(ca.authority(&id_of(id)).unwrap().certificate.as_ref().unwrap().der());
        openssl(&["x509", "-noout", "-text", "-in", &write(dir.path(), id, &pem)])
    };
    let (root, issuing) = (text("root"), text("issuing"));
    let usage = "X509v3 Key Usage: critical\n                Certificate Sign, CRL Sign\n";
    for said in ["X509v3 Basic Constraints: critical\n                CA:TRUE\n", usage, "ecdsa-with-SHA256"]
    {
        assert!(root.contains(said), "{said}: {root}");
    }
    assert!(
        !root.contains("Extended Key Usage") && !root.contains("Authority Key") && !root.contains("http://")
    );
    for said in [
        "X509v3 Basic Constraints: critical\n                CA:TRUE, pathlen:0\n",
        usage,
        "X509v3 Extended Key Usage: \n                TLS Web Client Authentication, TLS Web Server Authentication\n",
        "URI:http://ca.factory.example:8080/crl/root/0.crl\n",
        "CA Issuers - URI:http://ca.factory.example:8080/issuer/root.cer\n",
    ] {
        assert!(issuing.contains(said), "{said}: {issuing}");
    }
}

#[tokio::test]
async fn what_is_asked_for_stands_in_the_certificate() {
    for_each_site(async |site| {
        let running = site.open(now()).await;
        let asked = NewAuthority {
            common_name: Some("Werk München".to_owned()),
            organization: Some("Contoso".to_owned()),
            life: Some(DAY * 100),
            crl_shards: Some(7),
            ..new("plant")
        };
        let made =
            running.ca.create_intermediate(&id_of("root"), asked, &Caller::process(), now()).await.unwrap();
        let certificate = made.certificate.clone().unwrap();
        assert_eq!(certificate.subject(), "CN=Werk München,O=Contoso");
        let life = certificate.not_after().duration_since(certificate.not_before());
        assert_eq!(life, DAY * 100 - SignedDuration::from_secs(1));
        assert_eq!((made.state, made.crl_shards, made.path_len), (State::Active, 7, Some(0)));
        let tree = running.ca.tree();
        running.close().await;
        let again = site.open(now()).await;
        assert!(tree.iter().eq(again.ca.tree().iter()), "also after a restart");
        again.close().await;
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_the_reason_and_recorded_as_refused() {
    for_each_site(async |site| {
        let running = site.open(now()).await;
        let far = DAY * 365 * 31;
        for (parent, new, said) in [
            (None, new("root"), "authority `root` is there already"),
            (Some("nowhere"), new("plant"), "authority `nowhere` is not there"),
            (
                Some("issuing"),
                new("plant"),
                "path length 0 is more than authority `issuing` allows below it (none)",
            ),
            (
                None,
                NewAuthority { common_name: Some(String::new()), ..new("x") },
                "common name `` is not usable",
            ),
            (None, NewAuthority { common_name: Some("a\0b".into()), ..new("x") }, "is not usable"),
            (None, NewAuthority { organization: Some("x".repeat(65)), ..new("x") }, "organization `xxx"),
            (
                None,
                NewAuthority { life: Some(far), ..new("x") },
                "life of 11315 days is not one: ask for 1 to 10950",
            ),
            (None, NewAuthority { life: Some(DAY / 2), ..new("x") }, "life of 0 days"),
            (
                None,
                NewAuthority { crl_shards: Some(0), ..new("x") },
                "CRL shards of an authority are 1 to 1024, not 0",
            ),
            (
                None,
                NewAuthority { place: crate::KeyPlace::Token, ..new("x") },
                "no PKCS#11 token in the settings",
            ),
        ] {
            let refused = refusal(&running, parent, new).await;
            assert!(refused.contains(said), "{refused}");
            let count = "SELECT COUNT(*) AS n FROM ca_audit_entry WHERE decision = 'refused' AND reason = $1";
            let rows = running.db.fetch(count, &[refused.as_str().into()]).await.unwrap();
            assert_eq!(rows[0].int("n").unwrap(), 1, "{refused}");
        }
        assert_eq!(running.ca.tree().len(), 2);
        running.close().await;
    })
    .await;
}

#[tokio::test]
async fn of_two_that_ask_for_one_id_at_once_one_gets_it() {
    for_each_site(async |site| {
        let running = site.open(now()).await;
        let caller = Caller::process();
        let make = || running.ca.create_root(new("second"), &caller, now());
        let outcomes: [_; 3] = tokio::join!(make(), make(), make()).into();
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        running.close().await;
    })
    .await;
}

#[tokio::test]
async fn nothing_is_signed_for_longer_than_its_issuer_lasts() {
    for_each_site(async |site| {
        let running = site.open(now()).await;
        let caller = Caller::process();
        let root = NewAuthority { life: Some(DAY * 30), ..new("short") };
        running.ca.create_root(root, &caller, now()).await.unwrap();
        let below =
            running.ca.create_intermediate(&id_of("short"), new("below"), &caller, now()).await.unwrap();
        let end = |authority: &crate::Authority| authority.certificate.as_ref().unwrap().not_after();
        assert_eq!(end(&below), end(&running.authority("short")));
        let late = now() + DAY * 30;
        let said =
            running.ca.create_intermediate(&id_of("short"), new("late"), &caller, late).await.unwrap_err();
        assert!(said.to_string().contains("`short` expired at 2026-12-20"), "{said}");
        running.close().await;
    })
    .await;
}
