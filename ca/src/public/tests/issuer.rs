//! Certificates of authorities.

use super::*;
use crate::AuthorityId;

#[tokio::test]
async fn the_certificate_of_each_authority_is_there_and_nothing_else() {
    let world = World::open().await;
    for id in [AuthorityId::root(), AuthorityId::issuing()] {
        let path = format!("/issuer/{id}.cer");
        let answer = world.get(&path).await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "application/pkix-cert"));
        let authority = world.ca.authority(&id).unwrap();
        assert_eq!(answer.body, authority.certificate.as_ref().unwrap().der());
        assert!(answer.header("cache-control").starts_with("max-age=86400, public"));
        let again = Request::get(&path).header("if-none-match", answer.header("etag"));
        let again = world.send(again.body(Body::empty()).unwrap()).await;
        assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0));
        let head = Request::builder().method(Method::HEAD).uri(&path).body(Body::empty()).unwrap();
        let head = world.send(head).await;
        assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0));
    }
    for path in ["/issuer/root", "/issuer/nobody.cer", "/issuer/..cer", "/issuer/", "/issuer/%2e%2e%2fca.cer"]
    {
        assert_eq!(world.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let post = Request::post("/issuer/root.cer").body(Body::empty()).unwrap();
    assert_eq!(world.send(post).await.status, StatusCode::METHOD_NOT_ALLOWED);
    world.close().await;
}
