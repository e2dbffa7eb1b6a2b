//! By user and password.

use super::*;
use crate::{Reason, What};

#[tokio::test]
async fn a_user_gets_certificates_and_the_device_is_their_holder() {
    let server = Server::open().await;
    let credential = server.credential(|new| new.user = Some("line-7".to_owned())).await;
    let answer = server.send(post("lab1/simpleenroll", fresh("Dev1")).by(&credential)).await;
    let found = server.ca.identify(&[answer.certificate().der().to_vec()], now()).unwrap();
    assert_eq!(found.holder, Some(server.ca.holder("dev1")));
    let entries = server.entries().await;
    let short = |at: usize| [&*entries[at].action, &*entries[at].decision, &*entries[at].credential];
    assert_eq!(short(0), ["certificate.issue", "allowed", "est:lab1/line-7"]);
    assert_eq!(short(1), ["sign-in", "allowed", "est:lab1/line-7"]);

    // Also after a restart.
    let server = server.again().await;
    let again = server.send(post("lab1/simpleenroll", fresh("dev2")).by(&credential)).await;
    again.certificate();
    server.close().await;
}

#[tokio::test]
async fn who_shows_nothing_is_asked_and_who_shows_the_wrong_thing_is_recorded() {
    let server = Server::open().await;
    let credential = server.credential(|_| {}).await;
    let other = server.credential(|new| new.label = "lab2".to_owned()).await;
    let user = credential.credential.user.clone();
    let answer = server.send(post("lab1/simpleenroll", fresh("dev1"))).await;
    answer.is_refused(401, "show user and password");
    assert_eq!(answer.header("www-authenticate"), "Basic realm=\"lab1\"");
    for call in [
        post("lab1/simpleenroll", fresh("dev1")).basic(&user, "wrong"),
        post("lab1/simpleenroll", fresh("dev1")).basic("hunter2", &credential.password),
        post("lab1/simpleenroll", fresh("dev1")).basic(&user, ""),
        // A password is no token.
        post("lab1/simpleenroll", fresh("dev1")).bearer(&credential.password),
        Call { authorization: Some("Digest x".to_owned()), ..post("lab1/simpleenroll", fresh("dev1")) },
    ] {
        let answer = server.send(call).await;
        answer.is_refused(401, "wrong");
        assert!(answer.header("www-authenticate").starts_with("Basic "));
    }
    server.send(post("lab1/simpleenroll", fresh("dev1")).by(&other)).await.is_refused(403, "another label");
    let entries = server.entries().await;
    let refused: Vec<_> = entries.iter().filter(|entry| entry.action == "sign-in").collect();
    assert_eq!((refused.len() >= 3, &*refused[0].decision), (true, "refused"));
    // Neither a password nor what may be one in the wrong field.
    let all = format!("{entries:?}");
    assert!(!all.contains("hunter2") && !all.contains(&*credential.password), "{all}");
    server.close().await;
}

#[tokio::test]
async fn names_counts_and_ends_of_a_credential_are_kept_also_over_a_restart() {
    let server = Server::open().await;
    let credential = server
        .credential(|new| {
            new.names = vec!["dev*".to_owned()];
            new.count = Some(2);
            new.until = Some(now() + crate::workshop::DAY);
        })
        .await;
    let ask = |name: &str| post("lab1/simpleenroll", fresh(name)).by(&credential);
    server.send(ask("pump-1")).await.is_refused(403, "name `pump-1` is outside");
    server.send(ask("dev1")).await.certificate();
    let server = server.again().await;
    server.send(ask("DEV2")).await.certificate();
    server.send(ask("dev3")).await.is_refused(429, "no certificate left");
    assert_eq!(server.ca.est_credential_used(&credential.credential), Some(2));
    let server = Server { at: now() + crate::workshop::DAY * 2, ..server };
    server.send(ask("dev3")).await.is_refused(403, "ended at");
    server.close().await;
}

#[tokio::test]
async fn who_lost_the_answer_gets_it_again_and_who_comes_later_another_one() {
    let server = Server::open().await;
    let credential = server.credential(|new| new.count = Some(2)).await;
    let request = fresh("dev1");
    let ask = || post("lab1/simpleenroll", request.clone()).by(&credential);
    let first = server.send(ask()).await.certificate();
    assert_eq!(server.send(ask()).await.certificate(), first);
    let later = Server { at: now() + jiff::SignedDuration::from_hours(2), ..server };
    let second = later.send(ask()).await.certificate();
    assert_ne!(second, first);
    assert_eq!(later.ca.est_credential_used(&credential.credential), Some(2));
    // What was taken back is not given again.
    let serial = <[u8; 16]>::try_from(second.serial()).unwrap();
    let what = What::Serial { authority: crate::AuthorityId::issuing(), serial };
    later.ca.revoke(what, Reason::Superseded, &Caller::process(), later.at).await.unwrap();
    later.send(ask()).await.is_refused(403, "not valid any more");
    later.close().await;
}

#[tokio::test]
async fn whoever_fails_on_and_on_waits_also_with_the_right_password() {
    let server = Server::open().await;
    let credential = server.credential(|_| {}).await;
    for _ in 0..20 {
        let answer = server.send(post("lab1/simpleenroll", fresh("dev1")).basic("nobody", "guess")).await;
        assert_eq!(answer.status, 401);
    }
    let answer = server.send(post("lab1/simpleenroll", fresh("dev1")).by(&credential)).await;
    answer.is_refused(429, "too many attempts failed");
    assert_eq!(answer.header("retry-after"), "7");
    let elsewhere =
        Call { from: "192.0.2.8".to_owned(), ..post("lab1/simpleenroll", fresh("dev1")).by(&credential) };
    server.send(elsewhere).await.certificate();
    // Refusals that are alike are one entry, and a count.
    let entries = server.entries().await;
    assert!(entries.iter().filter(|entry| entry.decision == "refused").count() <= 3);
    server.close().await;
}

#[tokio::test]
async fn a_removed_credential_and_those_of_a_removed_label_are_gone_at_once() {
    let server = Server::open().await;
    let [one, two] = [server.credential(|_| {}).await, server.credential(|_| {}).await];
    let caller = Caller::process();
    server.ca.delete_est_credential(&one.credential.user, &caller, now()).await.unwrap();
    server.send(post("lab1/simpleenroll", fresh("dev1")).by(&one)).await.is_refused(401, "wrong");
    server.send(post("lab1/simpleenroll", fresh("dev1")).by(&two)).await.certificate();
    server.ca.delete_est_label("lab1", &caller, now()).await.unwrap();
    assert_eq!(server.send(post("lab1/simpleenroll", fresh("dev1")).by(&two)).await.status, 404);
    server.label(|_| {}).await;
    server.send(post("lab1/simpleenroll", fresh("dev1")).by(&two)).await.is_refused(401, "wrong");
    server.close().await;
}
