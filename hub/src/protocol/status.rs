//! How refusals are told on the wire.

use crate::{
    renewal::{NotRenewed, RenewalRefusal},
    session::Refused,
    twin::TwinRefusal,
};

/// Status of a twin answer, and the number in its body (hub-device.md §11.2).
pub(crate) fn twin(refusal: &TwinRefusal) -> (u16, u32) {
    match refusal {
        TwinRefusal::NotJson(_) => (400, 400_006),
        TwinRefusal::Invalid(_) | TwinRefusal::TooLarge { .. } => (400, 400_004),
        TwinRefusal::NotFound => (404, 404_001),
        TwinRefusal::Precondition { .. } => (412, 412_001),
        TwinRefusal::Throttled { .. } => (429, 429_001),
        TwinRefusal::Contended | TwinRefusal::Unavailable(_) => (503, 503_001),
    }
}

/// Status of an answer about certificates, and the number in its body (hub-device.md §2.6).
pub(crate) fn renewal(refusal: &RenewalRefusal) -> (u16, u32) {
    match refusal {
        RenewalRefusal::Invalid(_) => (400, 400_004),
        RenewalRefusal::NotJson(_) => (400, 400_006),
        RenewalRefusal::Issuer(NotRenewed::Refused(_)) => (400, 400_040),
        RenewalRefusal::NoIssuer | RenewalRefusal::NoCertificate => (403, 403_010),
        RenewalRefusal::NothingToReplace(_) => (412, 412_001),
        RenewalRefusal::Issuer(NotRenewed::TooFast { .. }) => (429, 429_002),
        RenewalRefusal::Issuer(NotRenewed::Unavailable(_)) => (503, 503_001),
    }
}

/// CONNACK return code; `None` closes without an answer, which makes every SDK try again (hub-device.md §1.4).
pub fn connack(refused: &Refused) -> Option<u8> {
    const NOT_AUTHORIZED: u8 = 5;
    match refused {
        Refused::TooManyConnections { .. } | Refused::Throttled { .. } | Refused::Unavailable(_) => None,
        Refused::Username(_)
        | Refused::UsernameMissing
        | Refused::ClientId { .. }
        | Refused::Host(_)
        | Refused::Module(_)
        | Refused::UnknownDevice
        | Refused::Disabled
        | Refused::PasswordNotText
        | Refused::Token(_)
        | Refused::TokenMissing
        | Refused::TokenExpired(_)
        | Refused::TokenResource(_)
        | Refused::TokenSignature
        | Refused::Policy(_)
        | Refused::CertificateMissing
        | Refused::CertificateMalformed(_)
        | Refused::Thumbprint(_)
        | Refused::ThumbprintMissing
        | Refused::CommonName(_)
        | Refused::Chain(_)
        | Refused::Vouched(_)
        | Refused::Barred(_)
        | Refused::Will(_) => Some(NOT_AUTHORIZED),
    }
}
