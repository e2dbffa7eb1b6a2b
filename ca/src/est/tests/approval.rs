//! Labels where somebody looks first.

use super::*;

async fn manual(server: &Server) -> FreshCredential {
    server.label(|label| label.approval = Approval::Manual).await;
    server.credential(|_| {}).await
}

#[tokio::test]
async fn a_request_waits_until_it_is_approved_and_then_gets_one_certificate() {
    let server = Server::open().await;
    let credential = manual(&server).await;
    let request = fresh("dev1");
    let ask = || post("lab1/simpleenroll", request.clone()).by(&credential);
    for _ in 0..2 {
        let answer = server.send(ask()).await;
        answer.is_refused(202, "waiting");
        assert_eq!(answer.header("retry-after"), "60");
    }
    let waiting = server.ca.est_requests(10).await.unwrap();
    assert_eq!((waiting.len(), &*waiting[0].subject, &*waiting[0].label), (1, "CN=dev1", "lab1"));
    let caller = Caller::process();
    server.ca.decide_est_request(&waiting[0].id, Verdict::Approved, &caller, now()).await.unwrap();
    let twice = server.ca.decide_est_request(&waiting[0].id, Verdict::Denied, &caller, now()).await;
    assert!(matches!(twice, Err(EstRequestError::NotPending(_))));
    let server = server.again().await;
    let first = server.send(ask()).await.certificate();
    assert_eq!(server.send(ask()).await.certificate(), first);
    // Another key is another request.
    server.send(post("lab1/simpleenroll", fresh("dev1")).by(&credential)).await.is_refused(202, "waiting");
    server.close().await;
}

#[tokio::test]
async fn what_is_denied_stays_denied_and_what_would_be_refused_troubles_nobody() {
    let server = Server::open().await;
    let credential = manual(&server).await;
    let request = fresh("dev1");
    server.send(post("lab1/simpleenroll", request.clone()).by(&credential)).await.is_refused(202, "");
    let waiting = server.ca.est_requests(10).await.unwrap();
    server.ca.decide_est_request(&waiting[0].id, Verdict::Denied, &Caller::process(), now()).await.unwrap();
    server.send(post("lab1/simpleenroll", request).by(&credential)).await.is_refused(403, "denied");
    let key = KeyPair::generate().unwrap();
    let authority =
        bent(&key, |params| params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained));
    let answer = server.send(post("lab1/simpleenroll", authority).by(&credential)).await;
    assert!([400, 403].contains(&answer.refusal().0));
    assert_eq!(server.ca.est_requests(10).await.unwrap(), []);
    server.close().await;
}

#[tokio::test]
async fn a_renewal_waits_for_nobody() {
    let server = Server::open().await;
    let (key, old) = server.device("dev1").await;
    manual(&server).await;
    server.send(post("lab1/simplereenroll", csr("dev1", &key)).with(&old)).await.certificate();
    server.close().await;
}

#[tokio::test]
async fn what_was_approved_is_what_somebody_looked_at_and_no_other_name_with_its_key() {
    let server = Server::open().await;
    let credential = manual(&server).await;
    let key = KeyPair::generate().unwrap();
    let ask = |body: Vec<u8>| server.send(post("lab1/simpleenroll", body).by(&credential));
    ask(csr("dev1", &key)).await.is_refused(202, "waiting");
    let approve = async |id: &str| {
        server.ca.decide_est_request(id, Verdict::Approved, &Caller::process(), now()).await.unwrap();
    };
    approve(&server.ca.est_requests(10).await.unwrap()[0].id).await;
    let named = || {
        bent(&key, |params| {
            params.subject_alt_names = vec![rcgen::SanType::URI("urn:dev:2".try_into().unwrap())];
        })
    };
    for other in [csr("dev2", &key), named()] {
        ask(other).await.is_refused(202, "waiting");
    }
    let waiting = server.ca.est_requests(10).await.unwrap();
    let of = |subject: &str| waiting.iter().find(|request| request.subject == subject).unwrap();
    assert_eq!((waiting.len(), of("CN=dev2").verdict), (2, Verdict::Pending));
    // Signed again, it is the same request.
    let certificate = ask(csr("dev1", &key)).await.certificate();
    assert_eq!(certificate.common_name(), Some("dev1"));
    approve(&of("CN=dev1").id).await;
    let certificate = ask(named()).await.certificate();
    assert!(String::from_utf8_lossy(certificate.der()).contains("urn:dev:2"));
    server.close().await;
}
