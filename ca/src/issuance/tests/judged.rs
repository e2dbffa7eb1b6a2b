//! Every decision is in the audit log.

use super::*;

#[tokio::test]
async fn what_is_issued_and_what_is_refused_is_recorded_with_who_asked_and_why() {
    for_each_ca(async |ca| {
        let asked = device("pump-1");
        let issued = ca.issue(asked.clone(), now()).await.unwrap();
        let entry = last_entry(&ca).await;
        let object = format!("certificate/{}", hex::encode(issued.serial));
        assert_eq!(
            (&*entry.actor, &*entry.action, &*entry.object, &*entry.decision, &*entry.reason),
            ("muster", "certificate.issue", &*object, "allowed", "device@1 `CN=pump-1`")
        );
        assert_eq!(entry.log_index, Some(issued.log_index));
        assert_eq!(entry.certificate_sha256, Some(crate::log::sha256(&[issued.certificate.der()])));
        assert_eq!(entry.request_sha256, Some(crate::log::sha256(&[asked.csr.der()])));

        let refused = refusal(ca.issue(Request { profile: "none".to_owned(), ..asked.clone() }, now()).await);
        let entry = last_entry(&ca).await;
        assert_eq!(
            (&*entry.object, &*entry.decision, &*entry.reason, entry.request_sha256, entry.log_index),
            ("issuing/none", "refused", &*refused, Some(crate::log::sha256(&[asked.csr.der()])), None)
        );
    })
    .await;
}

#[tokio::test]
async fn changes_of_profiles_and_grants_are_recorded_refused_ones_too() {
    for_each_ca(async |ca| {
        let by = operator("security");
        let text = include_str!("../../../profiles/device.toml").replace("90d", "30d");
        let id = ca.put_profile("device", &text, &by, now()).await.unwrap();
        let entry = last_entry(&ca).await;
        assert_eq!(
            (id.to_string(), &*entry.actor, &*entry.action, &*entry.object, &*entry.decision),
            ("device@2".to_owned(), "security", "profile.change", "profile/device@2", "allowed")
        );
        let issued = ca.issue(device("pump-1"), now()).await.unwrap();
        assert_eq!(issued.profile, id);
        let pinned =
            ca.issue(Request { profile: "device@1".to_owned(), ..device("pump-1") }, now()).await.unwrap();
        assert_eq!(pinned.profile.version, 1);

        ca.put_profile("device", "name = \"device\"", &by, now()).await.unwrap_err();
        assert_eq!(&*last_entry(&ca).await.decision, "refused");
        ca.retire_profile("device", &by, now()).await.unwrap();
        assert_eq!(&*last_entry(&ca).await.reason, "retired");
        assert!(ca.issue(device("pump-1"), now()).await.is_err());
    })
    .await;
}
