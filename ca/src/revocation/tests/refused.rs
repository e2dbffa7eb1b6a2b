//! What is not revoked, and that it was asked for.

use super::*;

#[tokio::test]
async fn who_revokes_what_is_not_there_is_told_so_and_it_is_recorded() {
    for_each_site(async |site| {
        let running = site.open().await;
        let issuing = running.ca.authority(&AuthorityId::issuing()).unwrap();
        let own: [u8; 16] = issuing.certificate.as_ref().unwrap().serial().try_into().unwrap();
        let of_issuing = hex::encode(own);
        let issued = running.issue("pump-1").await;
        let elsewhere = hex::encode(issued.serial);
        let (root, nobody) = (AuthorityId::root(), AuthorityId::parse("nobody").unwrap());
        let unknown = "41".repeat(16);
        let no_such_certificate = |serial: &str, authority: &str| {
            format!(
                "certificate `{serial}` was not issued by authority `{authority}`: `muster ca list` shows those that were"
            )
        };
        let cases = [
            (
                What::Serial { authority: AuthorityId::issuing(), serial: [0x41; 16] },
                no_such_certificate(&unknown, "issuing"),
                ["certificate.revoke", &format!("certificate/{unknown}"), "refused"].map(str::to_owned),
            ),
            (
                What::Serial { authority: root.clone(), serial: issued.serial },
                no_such_certificate(&elsewhere, "root"),
                ["certificate.revoke", &format!("certificate/{elsewhere}"), "refused"].map(str::to_owned),
            ),
            (
                What::Serial { authority: root, serial: own },
                format!("certificate `{of_issuing}` is that of authority `issuing`: revoke the authority"),
                ["certificate.revoke", &format!("certificate/{of_issuing}"), "refused"].map(str::to_owned),
            ),
            (
                holder("nobody"),
                "holder `nobody` has no certificate from here: `muster ca list` shows who has one".to_owned(),
                ["certificate.revoke", "holder/nobody", "refused"].map(str::to_owned),
            ),
            (
                holder("no\0body"),
                "holder `no\0body` has no certificate from here: `muster ca list` shows who has one".to_owned(),
                ["certificate.revoke", "holder/no\u{fffd}body", "refused"].map(str::to_owned),
            ),
            (
                What::Authority(nobody),
                "authority `nobody` is not there: `muster ca tree` shows those that are".to_owned(),
                ["authority.revoke", "nobody", "refused"].map(str::to_owned),
            ),
        ];
        for (what, said, recorded) in cases {
            assert_eq!(running.revoke(what, Reason::Superseded).await.unwrap_err().to_string(), said);
            let (entry, reason) = running.last_entry().await;
            assert_eq!((entry, reason), (recorded, said.replace('\0', "\u{fffd}")));
        }
        running.close().await;
    })
    .await;
}
