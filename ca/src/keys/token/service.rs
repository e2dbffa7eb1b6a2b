//! Asking the signing threads, and waiting for their answers.

use super::{Job, KeyKind, KeyName, Prepared, PublicKey, Token, TokenError};

impl Token {
    pub(crate) async fn sign(&self, name: KeyName, prepared: Prepared) -> Result<Vec<u8>, TokenError> {
        self.hand_over(|answer| Job::Sign { name, prepared, answer })?
            .await
            .map_err(|_| TokenError::Closed)?
    }

    pub(crate) async fn make(&self, name: KeyName, kind: KeyKind) -> Result<PublicKey, TokenError> {
        self.hand_over(|answer| Job::Make { name, kind, answer })?.await.map_err(|_| TokenError::Closed)?
    }

    pub(crate) async fn find(&self, name: KeyName) -> Result<Option<PublicKey>, TokenError> {
        self.hand_over(|answer| Job::Find { name, answer })?.await.map_err(|_| TokenError::Closed)?
    }

    pub(crate) async fn list(&self) -> Result<Vec<(KeyName, PublicKey)>, TokenError> {
        self.hand_over(|answer| Job::List { answer })?.await.map_err(|_| TokenError::Closed)?
    }

    pub(crate) async fn destroy(&self, name: KeyName) -> Result<(), TokenError> {
        self.hand_over(|answer| Job::Destroy { name, answer })?.await.map_err(|_| TokenError::Closed)?
    }
}
