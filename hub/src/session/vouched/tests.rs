//! Certificates with an issuer behind them: who is let in by one, for how long, and who is cut.

use muster_identity::{Admission, Authentication};
use muster_store::Db;
use muster_x509::Certificate;

use super::*;
use crate::{
    Disconnect, Hello, Refused,
    tests::{Stage, admission, hello, later, now},
};

fn factory_certificate() -> Certificate {
    let params = rcgen::CertificateParams::default();
    let key = rcgen::KeyPair::generate().unwrap();
    Certificate::parse(params.self_signed(&key).unwrap().der()).unwrap()
}

fn vouched(serial: u8, verdict: Verdict) -> Vouched {
    Vouched {
        authority: "issuing".to_owned(),
        serial: [serial; 16],
        holder: None,
        common_name: Some("d".to_owned()),
        not_after: later(40),
        verdict,
    }
}

#[tokio::test]
async fn a_certificate_that_its_issuer_vouches_for_lets_in_its_device_until_it_expires() {
    let stage = Stage::on(Db::open_memory().await.unwrap()).await;
    let by_certificate =
        |id: &str| Admission { authentication: Authentication::CertificateAuthority, ..admission(id) };
    for id in ["d", "D"] {
        stage.hub.admit(&by_certificate(id), now()).await.unwrap();
    }
    let with = |id: &str, vouched| Hello { token: None, vouched: Some(vouched), ..hello(id) };
    let good = || vouched(1, Verdict::Good);
    let refused = vouched(1, Verdict::Refused("it was revoked".to_owned()));
    let why = stage.hub.connect(with("d", refused.clone()), now()).await.err();
    assert_eq!(why, Some(Refused::Vouched("it was revoked".to_owned())));
    // A name has its case.
    let why = stage.hub.connect(with("D", good()), now()).await.err();
    assert_eq!(why, Some(Refused::CommonName("d".to_owned())));

    let mut session = stage.hub.connect(with("d", good()), now()).await.unwrap().session;
    assert_eq!(session.deadline(), later(40));
    assert_eq!(session.overdue(later(40)), Some(Disconnect::CertificateExpired));
    // Its next one in the same place.
    let renewed = Vouched { not_after: later(9000), ..vouched(2, Verdict::Good) };
    session = stage.hub.connect(with("d", renewed), now()).await.unwrap().session;
    assert_eq!(session.overdue(later(40)), None);

    // What is revoked is not made good by a token that is.
    stage.hub.admit(&admission("t"), now()).await.unwrap();
    let both = Hello { vouched: Some(refused), ..hello("t") };
    assert!(matches!(stage.hub.connect(both, now()).await, Err(Refused::Vouched(_))));
}

#[tokio::test]
async fn what_an_issuer_takes_back_is_cut_and_nothing_else() {
    let stage = Stage::on(Db::open_memory().await.unwrap()).await;
    let mut connected = Vec::new();
    for (at, id) in (0_u8..).zip(["a", "b", "c"]) {
        stage.hub.admit(&admission(id), now()).await.unwrap();
        let hello = Hello { vouched: (at < 2).then(|| vouched(at, Verdict::Good)), ..hello(id) };
        connected.push(stage.hub.connect(hello, now()).await.unwrap());
    }
    let judge = |it: Shown<'_>| (it.vouched?.serial == [1; 16]).then(|| "keyCompromise".to_owned());
    assert_eq!(stage.hub.cut(&judge, now()), 1);
    assert_eq!(stage.hub.cut(&judge, now()), 0, "once");
    assert_eq!(stage.hub.connected(), 2);
    assert_eq!(connected[1].session.cut(), Some(Disconnect::Revoked("keyCompromise".to_owned())));
    assert!(connected[1].mailbox.recv().await.is_none(), "its connection hears of it");

    // By what is kept of the chain, whoever signed it.
    let certificate = factory_certificate();
    let known = IssuerAndSerial::of(&certificate).unwrap();
    let hello = Hello { certificates: Box::new([known.clone()]), ..hello("b") };
    connected[1] = stage.hub.connect(hello, now()).await.unwrap();
    let judge = |it: Shown<'_>| it.certificates.contains(&known).then(|| "on a list".to_owned());
    assert_eq!((stage.hub.cut(&judge, now()), stage.hub.connected()), (1, 2));
    assert_eq!(connected[1].session.cut(), Some(Disconnect::Revoked("on a list".to_owned())));

    // And a device that has no certificate at all.
    let device = connected[2].session.device().clone();
    assert!(stage.hub.cut_device(&device, "it is barred".to_owned(), now()));
    assert!(!stage.hub.cut_device(&device, "it is barred".to_owned(), now()));
    assert_eq!(connected[2].session.cut(), Some(Disconnect::Cut("it is barred".to_owned())));
    assert_eq!(stage.hub.connected(), 1);
}
