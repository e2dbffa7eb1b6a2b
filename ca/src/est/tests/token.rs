//! By a token that is good for one certificate.

use super::*;

async fn token(server: &Server) -> FreshCredential {
    server.credential(|new| new.kind = CredentialKind::OneTime).await
}

#[tokio::test]
async fn a_token_is_good_for_one_certificate_as_bearer_and_as_password() {
    let server = Server::open().await;
    for way in 0..3 {
        let token = token(&server).await;
        let show = |call: Call| match way {
            0 => call.bearer(&token.password),
            1 => call.basic("", &token.password),
            _ => call.by(&token),
        };
        let request = fresh(&format!("dev{way}"));
        let first = server.send(show(post("lab1/simpleenroll", request.clone()))).await.certificate();
        // The answer was lost: the same again.
        assert_eq!(server.send(show(post("lab1/simpleenroll", request))).await.certificate(), first);
        let other = server.send(show(post("lab1/simpleenroll", fresh("other")))).await;
        other.is_refused(403, "token was used");
        assert_eq!(server.ca.est_credential_used(&token.credential), Some(1));
    }
    server.close().await;
}

#[tokio::test]
async fn a_request_that_is_refused_burns_no_token_and_a_restart_gives_none_back() {
    let server = Server::open().await;
    let token = token(&server).await;
    let key = KeyPair::generate().unwrap();
    let authority =
        bent(&key, |params| params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained));
    for bad in [authority, b"AAAA".to_vec()] {
        let answer = server.send(post("lab1/simpleenroll", bad).bearer(&token.password)).await;
        assert!([400, 403].contains(&answer.status), "{answer:?}");
    }
    server.send(post("lab1/simpleenroll", csr("dev1", &key)).bearer(&token.password)).await.certificate();
    let server = server.again().await;
    let again = server.send(post("lab1/simpleenroll", fresh("dev1")).bearer(&token.password)).await;
    again.is_refused(403, "token was used");
    server.close().await;
}

#[tokio::test]
async fn of_many_that_use_one_token_at_once_one_gets_a_certificate() {
    let server = Server::open().await;
    let token = token(&server).await;
    let calls = (0..20)
        .map(|n| server.send(post("lab1/simpleenroll", fresh(&format!("dev{n}"))).bearer(&token.password)));
    let answers = futures::future::join_all(calls).await;
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!((statuses[0], statuses[1..].iter().all(|status| *status == 403)), (200, true), "{statuses:?}");
    server.close().await;
}
