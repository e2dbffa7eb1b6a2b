//! Passwords and tokens checked. Every outcome is recorded.

use std::net::SocketAddr;

use jiff::Timestamp;

use muster_store::WriteError;

use super::{Shown, SignInError};
use crate::{Action, Ca, Caller, Credential, CredentialKind, Decision, Entry, EstCredential, log::sha256};

/// A user that is not known is not named in records: it may be a password in the wrong field.
const NOBODY: &str = "unknown";

impl Ca {
    /// Tells who it is. Who fails too often waits, also with the right password.
    pub(in crate::est) async fn sign_in(
        &self,
        label: &str,
        shown: &Shown,
        from: Option<SocketAddr>,
        now: Timestamp,
    ) -> Result<Result<Caller, SignInError>, WriteError> {
        let found = self.find_credential(shown);
        let named = match shown {
            Shown::Basic { user, .. } => self.est.book().credential(user).map(|known| known.user.clone()),
            Shown::Bearer(_) | Shown::Unknown => None,
        };
        let judged = match self.est.attempts.wait(from, named.as_deref(), now) {
            Some(left) => Err(SignInError::wait(left)),
            None => match found {
                None => {
                    self.est.attempts.failed(from, named.as_deref(), now);
                    Err(SignInError::Wrong)
                }
                Some(credential) if credential.label != label => Err(SignInError::OtherLabel),
                Some(credential) => {
                    Ok(Caller { name: credential.user.clone(), credential: credential.credential(), from })
                }
            },
        };
        let entry = match &judged {
            Ok(caller) => Entry::new(caller, Action::SignIn, object(label), Decision::Allowed),
            Err(error) => {
                let name = named.unwrap_or_else(|| NOBODY.to_owned());
                let credential = Credential::EstUser { label: label.to_owned(), user: name.clone() };
                let caller = Caller { name, credential, from };
                let because = match from {
                    Some(from) => format!("{error}; from {}", from.ip()),
                    None => error.to_string(),
                };
                Entry::new(&caller, Action::SignIn, object(label), Decision::Refused).because(because)
            }
        };
        self.audit(entry, now).await?;
        Ok(judged)
    }

    fn find_credential(&self, shown: &Shown) -> Option<EstCredential> {
        let book = self.est.book();
        let token = |secret: &str| {
            let hash = sha256(&[secret.as_bytes()]);
            let known = book.by_secret(&hash)?;
            (known.kind == CredentialKind::OneTime && known.is(&hash)).then(|| known.clone())
        };
        match shown {
            Shown::Unknown => None,
            Shown::Bearer(secret) => token(secret),
            Shown::Basic { user, password } => match book.credential(user) {
                Some(known) => known.is(&sha256(&[password.as_bytes()])).then(|| known.clone()),
                // A token says itself which one it is.
                None => token(password),
            },
        }
    }
}

fn object(label: &str) -> String {
    format!("est/{label}")
}
