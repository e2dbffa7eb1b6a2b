//! Requests that were made for the connection they come by.

use super::*;
use rcgen::Attribute;

fn binding(octet: u8) -> ChannelBinding {
    ChannelBinding::new([octet; ChannelBinding::BYTES])
}

/// With a challenge password, if any.
fn request(challenge: Option<&str>) -> Vec<u8> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "dev1");
    let attribute = |text: &str| {
        let text = [&[0x0c, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
        let values = [&[0x31, u8::try_from(text.len()).unwrap()], &*text].concat();
        Attribute { oid: &[1, 2, 840, 113_549, 1, 9, 7], values }
    };
    let attributes = challenge.map(attribute).into_iter().collect();
    let key = KeyPair::generate().unwrap();
    let request = params.serialize_request_with_attributes(&key, attributes).unwrap();
    BASE64_STANDARD.encode(request.der()).into_bytes()
}

fn linked(octet: u8) -> Vec<u8> {
    request(Some(&BASE64_STANDARD.encode([octet; 32])))
}

#[tokio::test]
async fn a_label_that_demands_it_takes_only_requests_made_for_their_connection() {
    let server = Server::open().await;
    server.label(|label| label.pop_link = PopLink::Required).await;
    let credential = server.credential(|_| {}).await;
    let ask = |body, binding| {
        let call = Call { binding, ..post("lab1/simpleenroll", body).by(&credential) };
        server.send(call)
    };
    ask(request(None), Some(binding(7))).await.is_refused(403, "give it a challengePassword");
    ask(linked(8), Some(binding(7))).await.is_refused(403, "is not the base64 of");
    ask(request(Some("secret")), Some(binding(7))).await.is_refused(403, "is not the base64 of");
    ask(linked(7), None).await.is_refused(403, "connect by TLS 1.3");
    let entries = server.entries().await;
    let refused: Vec<_> = entries.iter().filter(|entry| entry.decision == "refused").collect();
    for (entry, why) in refused.iter().zip(["TLS 1.3", "is not the base64", "give it"]) {
        assert!(entry.reason.contains(why), "{}", entry.reason);
        assert_eq!(entry.credential, credential.credential.credential().to_string());
        assert!(!entry.reason.contains("secret"), "{}", entry.reason);
    }
    let old = ask(linked(7), Some(binding(7))).await.certificate();
    assert!(server.entries().await[0].reason.contains("pop_link=verified"));
    // Renewals, too.
    let renew = |body| {
        let call = post("lab1/simplereenroll", body).with(&old);
        server.send(Call { binding: Some(binding(9)), ..call })
    };
    renew(linked(7)).await.is_refused(403, "is not the base64 of");
    renew(linked(9)).await.certificate();
    assert!(server.entries().await[0].reason.contains("pop_link=verified"));
    server.close().await;
}

#[tokio::test]
async fn a_challenge_password_that_nobody_asked_for_is_no_reason_to_refuse_and_stands_on_record_as_what_it_is()
 {
    let server = Server::open().await;
    let credential = server.credential(|_| {}).await;
    for (body, binding, said) in [
        (request(None), Some(binding(7)), ""),
        (linked(7), Some(binding(7)), "pop_link=verified"),
        (linked(8), Some(binding(7)), "pop_link=unverified"),
        (linked(7), None, "pop_link=unverified"),
    ] {
        let call = Call { binding, ..post("lab1/simpleenroll", body).by(&credential) };
        server.send(call).await.certificate();
        let entry = server.entries().await.remove(0);
        assert_eq!((&*entry.action, &*entry.decision), ("certificate.issue", "allowed"));
        let found =
            entry.reason.split([' ', ';']).find(|word| word.starts_with("pop_link")).unwrap_or_default();
        assert_eq!(found, said, "{}", entry.reason);
    }
    server.close().await;
}

#[tokio::test]
async fn csrattrs_asks_for_a_challenge_password_where_the_label_demands_it() {
    let server = Server::open().await;
    let challenge = "06092a864886f70d010907";
    for (rule, asked) in [(PopLink::Optional, false), (PopLink::Required, true)] {
        server.label(|label| label.pop_link = rule).await;
        let answer = server.get("lab1/csrattrs").await;
        let der = BASE64_STANDARD.decode(answer.body.replace('\n', "")).unwrap();
        assert_eq!(hex::encode(der).contains(challenge), asked);
    }
    server.close().await;
}
