//! What is there, and how it is written.

use super::*;

#[tokio::test]
async fn cacerts_needs_nobody_known_and_has_the_whole_way_to_the_root() {
    let server = Server::open().await;
    let answer = server.get("cacerts").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/pkcs7-mime"));
    assert_eq!(answer.header("content-transfer-encoding"), "base64");
    let bag = read_certs_only(answer.body.as_bytes()).unwrap();
    let mut names: Vec<_> = bag.iter().map(|certificate| certificate.is_ca()).collect();
    names.dedup();
    assert_eq!((bag.len(), names), (2, vec![true]));
    server.close().await;
}

#[tokio::test]
async fn cacerts_is_one_line_for_clients_without_a_name_and_as_the_label_says_for_all() {
    let server = Server::open().await;
    let get = async |agent: Option<&'static str>| {
        let answer = server.send(Call { agent, ..get("lab1/cacerts") }).await;
        assert!(read_certs_only(answer.body.as_bytes()).is_ok() && answer.body.ends_with('\n'));
        assert!(answer.body.lines().count() == 1 || answer.body.lines().all(|line| line.len() <= 64));
        answer.body.lines().count()
    };
    server.label(|_| {}).await;
    assert_eq!(get(None).await, 1, "strongSwan");
    assert!(get(Some("curl/8.0")).await > 1);
    server.label(|label| label.base64 = Some(Base64Form::Wrapped)).await;
    assert!(get(None).await > 1);
    server.label(|label| label.base64 = Some(Base64Form::SingleLine)).await;
    assert_eq!(get(Some("curl/8.0")).await, 1);
    server.close().await;
}

#[tokio::test]
async fn after_a_new_root_clients_learn_it_beside_the_old_one() {
    let server = Server::open().await;
    let caller = Caller::process();
    for (id, parent) in [("root2", None), ("issuing2", Some("root2"))] {
        let new = crate::NewAuthority::new(crate::AuthorityId::parse(id).unwrap());
        let parent = parent.map(|parent| crate::AuthorityId::parse(parent).unwrap());
        match parent {
            None => server.ca.create_root(new, &caller, now()).await.map(|_| ()),
            Some(parent) => server.ca.create_intermediate(&parent, new, &caller, now()).await.map(|_| ()),
        }
        .unwrap();
    }
    let bag = read_certs_only(server.get("cacerts").await.body.as_bytes()).unwrap();
    assert_eq!(bag.len(), 3, "issuing, its root, the new root");
    server.close().await;
}

#[tokio::test]
async fn answers_come_in_the_form_of_the_request() {
    let server = Server::open().await;
    let credential = server.credential(|_| {}).await;
    let key = KeyPair::generate().unwrap();
    let der = csr_of("dev1", &key).der().to_vec();
    let single = BASE64_STANDARD.encode(&der);
    let lines = |end: &str| {
        let lines: Vec<_> =
            single.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        lines.join(end) + end
    };
    let pem = |label: &str| format!("-----BEGIN {label}-----\n{}-----END {label}-----\n", lines("\n"));
    for (body, wrapped) in [
        (single.clone(), false),
        (single.clone() + "\n", false),
        (lines("\n"), true),
        (lines("\r\n"), true),
        (lines(" \t"), false),
        (pem("CERTIFICATE REQUEST"), true),
        (pem("NEW CERTIFICATE REQUEST"), true),
    ] {
        let answer = server.send(post("lab1/simpleenroll", body.clone()).by(&credential)).await;
        answer.certificate();
        assert_eq!(answer.body.lines().count() > 1, wrapped, "{body:?}");
        assert!(answer.body.ends_with('\n'));
    }
    let answer = server.send(post("lab1/simpleenroll", der).by(&credential)).await;
    assert_eq!(answer.certificate().common_name(), Some("dev1"));
    server.close().await;
}

#[tokio::test]
async fn csrattrs_says_what_the_profile_wants() {
    let server = Server::open().await;
    let answer = server.get("csrattrs").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/csrattrs"));
    let der = BASE64_STANDARD.decode(answer.body.replace('\n', "")).unwrap();
    assert!(hex::encode(der).contains("060b2a864886f70d010910023d"), "the template of RFC 9908");
    server.close().await;
}

#[tokio::test]
async fn what_is_not_there_is_not_found_and_the_wrong_way_is_told_the_right_one() {
    let server = Server::open().await;
    for path in [
        "nobody/cacerts",
        "fullcmc",
        "default/serverkeygen",
        "default",
        "a/b/cacerts",
        "CACERTS",
        "",
        "/cacerts",
        "a%2Fcacerts",
        "%ff/cacerts",
    ] {
        server.get(path).await.is_refused(404, "");
        assert_eq!(server.send(post(path, fresh("dev1"))).await.status, 404, "{path}");
    }
    let answer = server.get("simpleenroll").await;
    answer.is_refused(405, "POST");
    assert_eq!(answer.header("allow"), "POST");
    let answer = server.send(post("cacerts", "")).await;
    answer.is_refused(405, "GET");
    assert_eq!(answer.header("allow"), "GET, HEAD");
    for path in ["cacerts", "lab1/csrattrs"] {
        server.label(|_| {}).await;
        let [whole, head] = [Method::GET, Method::HEAD].map(|method| Call { method, ..get(path) });
        let (whole, head) = (server.send(whole).await, server.send(head).await);
        assert_eq!((head.status, head.header("content-type")), (200, whole.header("content-type")));
    }
    server.close().await;
}
