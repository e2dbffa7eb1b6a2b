//! Why a device was not let in. It hears the same for all of them; the operator reads the reason.

use muster_sas::TokenError;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("user name `{0}` is not `{{host}}/{{device}}/?api-version=…`")]
    Username(String),
    #[error("user name is missing; send `{{host}}/{{device}}/?api-version=…`")]
    UsernameMissing,
    #[error("client id `{client_id}` is not `{expected}`, which the user name says; make them equal")]
    ClientId { client_id: String, expected: String },
    #[error("host `{0}` is not a name of this hub; use its host name or add an alias")]
    Host(String),
    #[error("module `{0}` cannot connect: module identities are not supported yet; connect as the device")]
    Module(String),
    #[error("device is not in the registry")]
    UnknownDevice,
    #[error("device is disabled; enable it in the registry")]
    Disabled,
    #[error("password is not text")]
    PasswordNotText,
    #[error("password is not a token: {0}")]
    Token(TokenError),
    #[error("no token was sent and the device authenticates by key; send one as the password")]
    TokenMissing,
    #[error("token expired at {0}; check the device's clock")]
    TokenExpired(jiff::Timestamp),
    #[error("token is for `{0}`, which does not cover this device on this hub")]
    TokenResource(String),
    #[error("token is signed with neither key of the device")]
    TokenSignature,
    #[error("policy of the token is refused: {0}")]
    Policy(String),
    #[error("no client certificate was presented and the device authenticates by certificate")]
    CertificateMissing,
    #[error("client certificate cannot be read: {0}")]
    CertificateMalformed(String),
    #[error("thumbprint of the client certificate is {0}, the registry has another")]
    Thumbprint(String),
    #[error("identity has no thumbprint yet; set one in the registry")]
    ThumbprintMissing,
    #[error("client certificate has the common name `{0}`, must be the device id")]
    CommonName(String),
    #[error("client certificate does not lead to an authority of this hub: {0}")]
    Chain(String),
    #[error("client certificate is not accepted by its own issuer: {0}")]
    Vouched(String),
    #[error("device is barred, whatever it presents: {0}")]
    Barred(String),
    #[error("will is not a message this device may publish: {0}")]
    Will(String),
    #[error("{max} devices are connected, which is the limit of this hub")]
    TooManyConnections { max: usize },
    #[error("more connections than {quota} allows; connect slower or raise it")]
    Throttled { quota: &'static str },
    #[error("registry could not be read: {0}")]
    Unavailable(String),
}
