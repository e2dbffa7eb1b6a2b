//! Nobody gets a certificate that would be revoked from its beginning.

use super::*;
use crate::{Grant, Holder, NewAuthority, Quota, Reason, RenewRequest, What};

fn held(by: Holder) -> Request {
    Request { holder: Some(by), ..device("pump-1") }
}

fn renewal(old: &Issued, holder: Option<Holder>) -> RenewRequest {
    RenewRequest {
        old: old.certificate.clone(),
        csr: csr("pump-1"),
        caller: Caller::process(),
        authority: None,
        idempotency_key: None,
        holder,
    }
}

#[tokio::test]
async fn a_generation_that_is_revoked_gets_nothing_and_the_next_one_does() {
    for_each_ca(async |ca| {
        let caller = Caller::process();
        let first = ca.holder("pump-1");
        let named = Request { idempotency_key: Some("order-7".to_owned()), ..held(first.clone()) };
        ca.issue(named.clone(), now()).await.unwrap();
        ca.revoke(What::Holder("pump-1".to_owned()), Reason::Superseded, &caller, now()).await.unwrap();
        let said = "generation `1` of holder `pump-1` was revoked at 2026-11-20T12:00:00Z (superseded): \
                    ask with its generation as it is now";
        assert_eq!(refusal(ca.issue(held(first.clone()), now()).await), said);
        let entry = last_entry(&ca).await;
        assert_eq!((&*entry.decision, &*entry.object, &*entry.reason), ("refused", "issuing/device", said));
        // Not the answer of before either: it is revoked.
        assert_eq!(refusal(ca.issue(named, now()).await), said);
        let next = ca.issue(held(ca.holder("pump-1")), now()).await.unwrap();
        let back = ca.renew(renewal(&next, Some(first)), now()).await;
        assert_eq!(back.map(|it| it.serial).unwrap_err().to_string(), said);
        ca.renew(renewal(&next, None), now()).await.unwrap();
        ca.issue(Request { holder: Some(ca.holder("pump-2")), ..device("pump-2") }, now()).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn who_is_barred_gets_nothing_in_whatever_generation_until_it_is_readmitted() {
    for_each_ca(async |ca| {
        let caller = Caller::process();
        let old = ca.issue(held(ca.holder("pump-1")), now()).await.unwrap();
        ca.revoke(What::Holder("pump-1".to_owned()), Reason::KeyCompromise, &caller, now()).await.unwrap();
        let said = "holder `pump-1` is barred since 2026-11-20T12:00:00Z (keyCompromise): \
                    it gets no certificate until an operator readmits it";
        assert_eq!(refusal(ca.issue(held(ca.holder("pump-1")), now()).await), said);
        assert_eq!((&*last_entry(&ca).await.decision, &*last_entry(&ca).await.reason), ("refused", said));
        let renewed = ca.renew(renewal(&old, Some(ca.holder("pump-1"))), now()).await;
        assert!(renewed.map(|it| it.serial).unwrap_err().to_string().ends_with("is revoked: enroll anew"));
        ca.readmit("pump-1", &caller, now()).await.unwrap();
        ca.issue(held(ca.holder("pump-1")), now()).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_key_that_somebody_else_may_have_gets_no_other_certificate() {
    for_each_ca(async |ca| {
        let (caller, authority) = (Caller::process(), AuthorityId::issuing());
        let certificate =
            |issued: &Issued| What::Serial { authority: authority.clone(), serial: issued.serial };
        let (stolen, worn, held) = (device("pump-1"), device("pump-2"), held(ca.holder("pump-3")));
        let first = ca.issue(stolen.clone(), now()).await.unwrap();
        ca.revoke(certificate(&first), Reason::KeyCompromise, &caller, now()).await.unwrap();
        let refused = refusal(ca.issue(stolen, now()).await);
        assert_eq!(
            refused,
            "public key is blocked (its certificate was revoked: keyCompromise): make a new key pair"
        );
        let other = ca.issue(worn.clone(), now()).await.unwrap();
        ca.revoke(certificate(&other), Reason::Superseded, &caller, now()).await.unwrap();
        ca.issue(worn, now()).await.unwrap();
        ca.issue(held.clone(), now()).await.unwrap();
        ca.revoke(What::Holder("pump-3".to_owned()), Reason::KeyCompromise, &caller, now()).await.unwrap();
        ca.readmit("pump-3", &caller, now()).await.unwrap();
        let back = Request { holder: Some(ca.holder("pump-3")), ..held };
        assert!(refusal(ca.issue(back, now()).await).starts_with("public key is blocked"));
    })
    .await;
}

#[tokio::test]
async fn below_a_revoked_authority_nobody_signs() {
    for_each_ca(async |ca| {
        let (caller, [upper, lower]) =
            (Caller::process(), ["upper", "lower"].map(|id| AuthorityId::parse(id).unwrap()));
        let new = |id: &AuthorityId, path_len| NewAuthority {
            path_len: Some(path_len),
            ..NewAuthority::new(id.clone())
        };
        ca.create_intermediate(&AuthorityId::root(), new(&upper, 1), &caller, now()).await.unwrap();
        ca.create_intermediate(&upper, new(&lower, 0), &caller, now()).await.unwrap();
        let below = Request { authority: lower, ..device("pump-1") };
        ca.issue(below.clone(), now()).await.unwrap();
        ca.revoke(What::Authority(upper), Reason::CaCompromise, &caller, now()).await.unwrap();
        let refused = refusal(ca.issue(below, now()).await);
        assert!(refused.starts_with("authority `lower`"), "{refused}");
        ca.issue(device("pump-1"), now()).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn who_registers_needs_no_grant_for_its_own_name_and_one_for_any_other() {
    for_each_ca(async |ca| {
        let registered = |common_name: &str| Request {
            caller: Caller {
                name: "pump-1".to_owned(),
                credential: Credential::Registration("pump-1".to_owned()),
                from: None,
            },
            ..held(ca.holder("pump-1")).into_device(common_name)
        };
        ca.issue(registered("Pump-1"), now()).await.unwrap();
        let entry = last_entry(&ca).await;
        assert_eq!(
            (&*entry.credential, &*entry.decision, &*entry.action),
            ("registration:pump-1", "allowed", "certificate.issue")
        );
        let other = "`registration:pump-1` has no grant for profile `device` of authority `issuing`: \
                     ask an operator for one";
        assert_eq!(refusal(ca.issue(registered("pump-2"), now()).await), other);
        let wider = Grant {
            id: "site".to_owned(),
            to: "registration:*".to_owned(),
            authority: "issuing".to_owned(),
            profile: "device".to_owned(),
            names: vec!["pump-*".to_owned()],
            quota: Quota::default(),
            rate: None,
            until: None,
        };
        ca.put_grant(wider, &operator("security"), now()).await.unwrap();
        ca.issue(registered("pump-2"), now()).await.unwrap();
        for _ in 1..30 {
            ca.issue(registered("pump-1"), now()).await.unwrap();
        }
        assert_eq!(
            refusal(ca.issue(registered("pump-1"), now()).await),
            "`registration:pump-1` asks too fast: try again in 11 s"
        );
    })
    .await;
}

impl Request {
    fn into_device(self, common_name: &str) -> Self {
        let Self { csr, subject, .. } = device(common_name);
        Self { csr, subject, ..self }
    }
}
