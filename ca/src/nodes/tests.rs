//! Two authorities on one database: what one decides, the other knows when it has heard.

use std::sync::Arc;

use futures::future::join_all;

use muster_store::Db;
use muster_test_engines::{Place, for_each_place};

use super::*;
use crate::{
    AuthorityId, Ca, Caller, CredentialKind, Decision, Entry, EstLabel, Grant, Issued, NewEstCredential,
    Quota, Reason, Retirement, Revocation, State, What,
    issuance::tests::device,
    workshop::{self, now},
};

struct Node {
    ca: Arc<Ca>,
    db: Db,
}

impl Node {
    async fn open(dir: &std::path::Path, place: &Place) -> Self {
        let db = place.open().await;
        let ca = workshop::open(dir, &db, now()).await.unwrap();
        Self { ca, db }
    }

    async fn hear(&self) {
        self.ca.hear_nodes(now()).await.unwrap();
    }

    async fn issue(&self, name: &str) -> Issued {
        let mut request = device(name);
        request.holder = Some(self.ca.holder(name));
        self.ca.issue(request, now()).await.unwrap()
    }

    async fn revoke(&self, what: &What, reason: Reason) {
        self.ca.revoke(what.clone(), reason, &Caller::process(), now()).await.unwrap();
    }

    fn is_revoked(&self, issued: &Issued) -> Option<Revocation> {
        self.ca.is_revoked(&AuthorityId::issuing(), &issued.serial, None)
    }
}

/// One that decides, and one that hears of it.
async fn for_each_pair(test: impl AsyncFn(&Node, &Node)) {
    for_each_place(async |place| {
        let dir = tempfile::tempdir().unwrap();
        let (here, there) = (Node::open(dir.path(), place).await, Node::open(dir.path(), place).await);
        there.hear().await;
        test(&here, &there).await;
        for node in [here, there] {
            node.ca.close(now()).await;
            node.db.close().await;
        }
    })
    .await;
}

fn serial_of(issued: &Issued) -> What {
    What::Serial { authority: AuthorityId::issuing(), serial: issued.serial }
}

fn of(reason: Reason) -> Option<Revocation> {
    Some(Revocation { reason, at: now() })
}

#[tokio::test]
async fn what_one_node_revokes_is_in_force_on_the_other_and_told_there_once() {
    for_each_pair(async |here, there| {
        let (one, two) = (here.issue("pump-1").await, here.issue("pump-2").await);
        let old = here.ca.holder("pump-2");
        let mut told = there.ca.revocations();
        let (serial, holder) = (serial_of(&one), What::Holder("pump-2".to_owned()));
        here.revoke(&serial, Reason::Unspecified).await;
        here.revoke(&holder, Reason::PrivilegeWithdrawn).await;
        assert_eq!((there.is_revoked(&one), there.ca.barred("pump-2")), (None, None));
        there.hear().await;
        assert_eq!(there.is_revoked(&one), of(Reason::Unspecified));
        let of_two = there.ca.is_revoked(&AuthorityId::issuing(), &two.serial, Some(&old));
        assert_eq!((of_two, there.ca.barred("pump-2")), (of(Reason::PrivilegeWithdrawn), of_two));
        assert_eq!(there.ca.holder("pump-2"), here.ca.holder("pump-2"));
        let mut heard = [told.try_recv().unwrap().what, told.try_recv().unwrap().what];
        heard.sort_by_key(|what| matches!(what, What::Serial { .. }));
        assert_eq!(heard, [holder.clone(), serial.clone()]);

        here.revoke(&serial, Reason::KeyCompromise).await;
        there.hear().await;
        assert_eq!(there.is_revoked(&one), of(Reason::KeyCompromise));
        assert_eq!(told.try_recv().unwrap().revocation.reason, Reason::KeyCompromise);

        // Its own come by, too, and those that were heard already.
        there.revoke(&serial_of(&two), Reason::Superseded).await;
        there.hear().await;
        assert_eq!(told.try_recv().unwrap().what, serial_of(&two));
        assert!(told.try_recv().is_err());
    })
    .await;
}

#[tokio::test]
async fn who_is_readmitted_on_one_node_is_on_the_other_and_may_be_barred_again() {
    for_each_pair(async |here, there| {
        here.issue("pump-1").await;
        let holder = What::Holder("pump-1".to_owned());
        here.revoke(&holder, Reason::CessationOfOperation).await;
        there.hear().await;
        here.ca.readmit("pump-1", &Caller::process(), now()).await.unwrap();
        there.hear().await;
        assert_eq!(there.ca.barred("pump-1"), None);
        // Nothing was issued since, so there is a bar and no new cut: told all the same, for its keys are to be cut.
        let mut told = there.ca.revocations();
        here.revoke(&holder, Reason::KeyCompromise).await;
        there.hear().await;
        assert_eq!(
            (there.ca.barred("pump-1"), told.try_recv().unwrap().what),
            (of(Reason::KeyCompromise), holder)
        );
        // Readmitted and barred between two looks: as it is now.
        there.ca.readmit("pump-1", &Caller::process(), now()).await.unwrap();
        here.hear().await;
        assert_eq!(here.ca.barred("pump-1"), None);
    })
    .await;
}

#[tokio::test]
async fn an_authority_is_on_every_node_what_one_made_of_it() {
    for_each_pair(async |here, there| {
        let issued = here.issue("pump-1").await;
        let (id, caller) = (AuthorityId::issuing(), Caller::process());
        here.ca.retire_authority(&id, Retirement::Retire, &caller, now()).await.unwrap();
        there.hear().await;
        assert_eq!(there.ca.authority(&id).unwrap().state, State::Retiring);
        let mut told = there.ca.revocations();
        here.revoke(&What::Authority(id.clone()), Reason::CaCompromise).await;
        there.hear().await;
        assert_eq!(there.ca.authority(&id).unwrap().state, State::Revoked);
        assert_eq!(there.is_revoked(&issued), of(Reason::CaCompromise));
        let own = here.ca.authority(&id).unwrap().certificate.as_ref().unwrap().serial().try_into().unwrap();
        assert_eq!(there.ca.is_revoked(&AuthorityId::root(), &own, None), of(Reason::CaCompromise));
        assert!(matches!(told.try_recv().unwrap().what, What::Serial { .. }));
        assert_eq!(told.try_recv().unwrap().what, What::Authority(id));
    })
    .await;
}

#[tokio::test]
async fn profiles_and_grants_of_one_node_are_those_of_the_other() {
    for_each_pair(async |here, there| {
        let caller = Caller::process();
        let source = include_str!("../../profiles/device.toml");
        here.ca.put_profile("device", source, &caller, now()).await.unwrap();
        let grant = |id: &str| Grant {
            id: id.to_owned(),
            to: "policy:line".to_owned(),
            authority: "*".to_owned(),
            profile: "*".to_owned(),
            names: vec!["*".to_owned()],
            quota: Quota::default(),
            rate: None,
            until: None,
        };
        here.ca.put_grant(grant("a"), &caller, now()).await.unwrap();
        there.hear().await;
        assert_eq!(there.ca.profile("device").unwrap().id.version, 2);
        // The next version follows that one.
        let id = there.ca.put_profile("device", source, &caller, now()).await.unwrap();
        there.ca.put_grant(grant("b"), &caller, now()).await.unwrap();
        here.ca.delete_grant("a", &caller, now()).await.unwrap();
        for node in [here, there] {
            node.hear().await;
            assert_eq!((id.version, node.ca.profile("device").unwrap().id.version), (3, 3));
            assert_eq!(node.ca.grants().iter().map(|grant| &*grant.id).collect::<Vec<_>>(), ["b"]);
        }
    })
    .await;
}

#[tokio::test]
async fn labels_and_credentials_of_one_node_open_the_other_until_they_are_removed() {
    for_each_pair(async |here, there| {
        let caller = Caller::process();
        let new = |user: &str| NewEstCredential {
            label: "line".to_owned(),
            user: Some(user.to_owned()),
            kind: CredentialKind::Basic,
            names: Vec::new(),
            count: None,
            until: None,
        };
        for user in ["ann", "bob"] {
            here.ca.new_est_credential(new(user), &caller, now()).await.unwrap();
        }
        there.hear().await;
        let all = |node: &Node| (node.ca.est_labels(), node.ca.est_credentials(Some("line")));
        assert_eq!((all(there), all(there).1.len()), (all(here), 2));
        let label = EstLabel { profile: "tls-server".to_owned(), ..here.ca.est_label("line").unwrap() };
        here.ca.put_est_label(label, &caller, now()).await.unwrap();
        here.ca.delete_est_credential("ann", &caller, now()).await.unwrap();
        there.hear().await;
        assert_eq!((all(there), all(there).1.len()), (all(here), 1));
        // Gone and there again between two looks.
        there.ca.delete_est_label("line", &caller, now()).await.unwrap();
        there.ca.new_est_credential(new("ann"), &caller, now()).await.unwrap();
        here.hear().await;
        assert_eq!((all(here), all(here).1[0].user.as_str()), (all(there), "ann"));
        there.ca.delete_est_label("line", &caller, now()).await.unwrap();
        here.hear().await;
        assert_eq!((here.ca.est_label("line"), all(here).1.len()), (None, 0));
    })
    .await;
}

#[tokio::test]
async fn nothing_is_missed_between_pages_or_between_commits_of_two_nodes() {
    for_each_pair(async |here, there| {
        let noise = || Entry::new(&Caller::process(), Action::LogKeyCreate, "noise", Decision::Allowed);
        here.ca.append_entries((0..1500).map(|_| noise()).collect(), now()).await.unwrap();
        let serials = join_all((0..40).map(async |n| here.issue(&format!("pump-{n}")).await)).await;
        let (mine, theirs) = serials.split_at(20);
        let looking = async {
            for _ in 0..40 {
                there.hear().await;
                here.hear().await;
            }
        };
        let revoking = async |node: &Node, what: &[Issued]| {
            join_all(what.iter().map(async |it| node.revoke(&serial_of(it), Reason::Superseded).await)).await;
        };
        tokio::join!(revoking(here, mine), revoking(there, theirs), looking);
        for node in [here, there] {
            node.hear().await;
            assert!(serials.iter().all(|it| node.is_revoked(it).is_some()));
        }
    })
    .await;
}

#[test]
fn an_entry_is_about_what_its_object_names() {
    let mut changes = Changes::default();
    let serial = "00112233445566778899aabbccddeeff";
    for (action, object) in [
        ("certificate.revoke", &*format!("certificate/{serial}")),
        ("certificate.revoke", "holder/pump-1"),
        ("holder.readmit", "holder/a/b"),
        ("certificate.revoke", "certificate/none"),
        ("credential.change", "est/label/line"),
        ("certificate.issue", "issuing/device"),
        ("of a later release", "x"),
    ] {
        changes.take(action, object);
    }
    let mut expected = Changes::default();
    expected.revoked.serials.extend(<[u8; 16]>::try_from(hex::decode(serial).unwrap()));
    expected.revoked.holders.extend(["pump-1".to_owned(), "a/b".to_owned()]);
    expected.est.insert("est/label/line".to_owned());
    assert_eq!(changes, expected);
    changes.take("authority.revoke", "issuing");
    changes.take("credential.change", "grant/owner");
    changes.take("profile.change", "profile/device@2");
    assert!(changes.hierarchy && changes.grants && changes.profiles);
    assert!(changes.revoked.authorities.contains("issuing"));
}
