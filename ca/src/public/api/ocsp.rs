//! `POST /ocsp` and `GET /ocsp/{base64}` (RFC 6960 appendix A.1).

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::Response,
};
use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use percent_encoding::percent_decode_str;

use super::answer;
use crate::{
    ocsp::{Failure, OcspAnswer},
    public::Public,
};

const TYPE: &str = "application/ocsp-response";
/// Some clients leave the padding out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Whatever the type says: there is nothing else that it could be.
pub(in crate::public) async fn post(State(public): State<Public>, body: Bytes) -> Response {
    // Only a GET has the answer already.
    respond(&public, &HeaderMap::new(), &body).await
}

pub(in crate::public) async fn get(State(public): State<Public>, uri: Uri, asked: HeaderMap) -> Response {
    respond(&public, &asked, &sent(uri.path()).unwrap_or_default()).await
}

async fn respond(Public { ca, clock }: &Public, asked: &HeaderMap, sent: &[u8]) -> Response {
    let now = clock();
    match ca.ocsp(sent, now).await {
        OcspAnswer::Kept { der, tag, expires } => answer(asked, TYPE, der, &tag, expires, now),
        OcspAnswer::Live(der) => plain(StatusCode::OK, der),
        OcspAnswer::Failed(failure) => {
            let der = Bytes::copy_from_slice(&failure.der());
            match failure {
                Failure::TryLater => {
                    let mut response = plain(StatusCode::SERVICE_UNAVAILABLE, der);
                    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
                    response
                }
                Failure::MalformedRequest | Failure::InternalError | Failure::Unauthorized => {
                    plain(StatusCode::OK, der)
                }
            }
        }
    }
}

/// For whoever asked, now: with its nonce, or without what was asked for. A cache may keep what is silent about that.
fn plain(status: StatusCode, der: Bytes) -> Response {
    let mut response = Response::new(Body::from(der));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(TYPE));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The request in a path. Clients differ in what they escape, and a base URL that ends with a slash leaves two.
fn sent(path: &str) -> Option<Vec<u8>> {
    let rest = path.trim_start_matches('/').strip_prefix("ocsp/")?;
    let text = percent_decode_str(rest.trim_start_matches('/')).decode_utf8().ok()?;
    BASE64.decode(text.trim_start_matches('/')).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_read_however_it_is_escaped() {
        let expected = Some(vec![0x30, 0xfb, 0xff, 0xfe, 0x3f]);
        for path in [
            "/ocsp/MPv//j8=",
            "/ocsp/MPv%2F%2Fj8%3D",
            "/ocsp//MPv//j8=",
            "/ocsp/MPv%2f%2fj8",
            "//ocsp/MPv//j8",
        ] {
            assert_eq!(sent(path), expected, "{path}");
        }
        assert_eq!(sent("/ocsp/++++"), Some(vec![0xfb, 0xef, 0xbe]));
        assert_eq!(sent("/ocsp/%2B+%2b+"), Some(vec![0xfb, 0xef, 0xbe]));
        for path in ["/ocsp", "/ocsp/a", "/ocsp/%00", "/ocsp/%ff", "/other/AAAA"] {
            assert_eq!(sent(path), None, "{path}");
        }
    }
}
