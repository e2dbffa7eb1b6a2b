//! CRLs as they are fetched.

use super::*;
use crate::AuthorityId;

#[tokio::test]
async fn each_list_is_where_certificates_say_and_nothing_else_is() {
    let world = World::open().await;
    for (authority, shard) in
        [(AuthorityId::root(), 0), (AuthorityId::issuing(), 0), (AuthorityId::issuing(), 63)]
    {
        let path = format!("/crl/{authority}/{shard}.crl");
        let answer = world.get(&path).await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "application/pkix-crl"));
        assert_eq!(answer.body, world.ca.crl(&authority, shard).unwrap().der);
        assert_eq!(answer.header("cache-control"), "max-age=3600, public, no-transform, must-revalidate");
        assert_eq!(world.get(&path).await.body, answer.body);
        let again = Request::get(&path).header("if-none-match", answer.header("etag"));
        let again = world.send(again.body(Body::empty()).unwrap()).await;
        assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0));
    }
    for path in [
        "/crl/root/1.crl",
        "/crl/issuing/64.crl",
        "/crl/issuing/00.crl",
        "/crl/issuing/+1.crl",
        "/crl/issuing/0",
        "/crl/nobody/0.crl",
        "/crl/issuing/-1.crl",
        "/crl/issuing/70000.crl",
        "/crl/issuing",
    ] {
        assert_eq!(world.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    world.close().await;
}
