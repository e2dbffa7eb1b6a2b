//! One session with a token, opened again when it is lost.

use std::collections::HashMap;

use cryptoki::{
    error::{Error, RvError},
    object::{ObjectClass, ObjectHandle},
    session::{Session as Raw, UserType},
};
use tracing::warn;

use super::{KeyKind, KeyName, Opener, Prepared, PublicKey, TokenError, objects};

/// An authority and its responders are a few dozen.
const HANDLES_MAX: usize = 1024;
/// A token that others use too may hold many; the rest is found by name.
const LISTED_MAX: usize = 1024;

pub(super) struct Session {
    /// Closed by hand only: the number of a session that is gone may be another thread's new one by now.
    raw: Raw,
    /// Private keys found in this session.
    handles: HashMap<KeyName, ObjectHandle>,
}

impl Opener {
    /// Logs in unless another session has: a token counts that once for the whole process.
    pub(super) fn session(&self) -> Result<Session, TokenError> {
        let raw = self.module.open_rw_session_no_drop(self.slot).map_err(|source| self.failed(source))?;
        let session = Session { raw, handles: HashMap::new() };
        let refused = match session.raw.login(UserType::User, Some(&self.pin)) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => return Ok(session),
            Err(Error::Pkcs11(
                RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange | RvError::PinLocked,
                _,
            )) => TokenError::Pin { label: self.label.clone() },
            Err(source) => self.failed(source),
        };
        session.close();
        Err(refused)
    }
}

impl Session {
    /// Does it, and once more in a new session when this one turns out to be lost.
    pub(super) fn attempt<T>(
        &mut self,
        opener: &Opener,
        act: impl Fn(&mut Self) -> Result<T, TokenError>,
    ) -> Result<T, TokenError> {
        match act(self) {
            Err(TokenError::Failed { source: Error::Pkcs11(error, _), .. }) if is_gone(error) => {
                warn!(token = opener.label, %error, "session with the PKCS#11 token was lost, opening another");
                *self = opener.session()?;
                act(self)
            }
            Err(TokenError::Failed { source: Error::Pkcs11(error, _), .. }) if is_stale(error) => {
                warn!(token = opener.label, %error, "session with the PKCS#11 token went wrong, opening another");
                let stale = std::mem::replace(self, opener.session()?);
                stale.close();
                act(self)
            }
            done => done,
        }
    }

    /// One that does not close is one that is gone.
    pub(super) fn close(self) {
        let _ = self.raw.close();
    }

    pub(super) fn sign(
        &mut self,
        opener: &Opener,
        name: &KeyName,
        prepared: &Prepared,
    ) -> Result<Vec<u8>, TokenError> {
        let handle = self.handle(opener, name)?;
        let signed = self.raw.sign(&prepared.mechanism(), handle, prepared.input());
        signed.map_err(|source| opener.failed(source))
    }

    pub(super) fn make(
        &mut self,
        opener: &Opener,
        name: &KeyName,
        kind: KeyKind,
    ) -> Result<PublicKey, TokenError> {
        let (mechanism, public, private) =
            objects::templates(name, kind).ok_or(TokenError::CannotMake(kind))?;
        let failed = |source| opener.failed(source);
        let (public, _) = self.raw.generate_key_pair(&mechanism, &public, &private).map_err(failed)?;
        let attributes = self.raw.get_attributes(public, &objects::READ).map_err(failed)?;
        objects::public_of(&attributes)
            .ok_or_else(|| TokenError::OtherKind { label: opener.label.clone(), name: name.clone() })
    }

    /// The public key of that name, if there is one with a private key to it.
    pub(super) fn find(&mut self, opener: &Opener, name: &KeyName) -> Result<Option<PublicKey>, TokenError> {
        if self.private(opener, name)?.is_none() {
            return Ok(None);
        }
        let failed = |source| opener.failed(source);
        let found =
            self.raw.find_objects(&objects::by_label(ObjectClass::PUBLIC_KEY, name)).map_err(failed)?;
        let label = || opener.label.clone();
        let [public] = found.as_slice() else {
            return match found.len() {
                0 => Err(TokenError::NoSuchKey { label: label(), name: name.clone() }),
                count => Err(TokenError::Ambiguous { label: label(), name: name.clone(), count }),
            };
        };
        let attributes = self.raw.get_attributes(*public, &objects::READ).map_err(failed)?;
        let public = objects::public_of(&attributes);
        public.ok_or_else(|| TokenError::OtherKind { label: label(), name: name.clone() }).map(Some)
    }

    /// Those whose labels are names of ours, and whose kinds are.
    pub(super) fn list(&mut self, opener: &Opener) -> Result<Vec<(KeyName, PublicKey)>, TokenError> {
        use cryptoki::object::Attribute;
        let failed = |source| opener.failed(source);
        let all = [Attribute::Class(ObjectClass::PUBLIC_KEY), Attribute::Token(true)];
        let mut keys = Vec::new();
        for object in self.raw.find_objects(&all).map_err(failed)?.into_iter().take(LISTED_MAX) {
            let attributes = self.raw.get_attributes(object, &objects::READ).map_err(failed)?;
            keys.extend(objects::name_of(&attributes).zip(objects::public_of(&attributes)));
        }
        Ok(keys)
    }

    pub(super) fn destroy(&mut self, opener: &Opener, name: &KeyName) -> Result<(), TokenError> {
        let failed = |source| opener.failed(source);
        self.handles.remove(name);
        for class in [ObjectClass::PRIVATE_KEY, ObjectClass::PUBLIC_KEY] {
            for object in self.raw.find_objects(&objects::by_label(class, name)).map_err(failed)? {
                self.raw.destroy_object(object).map_err(failed)?;
            }
        }
        Ok(())
    }

    fn handle(&mut self, opener: &Opener, name: &KeyName) -> Result<ObjectHandle, TokenError> {
        if let Some(handle) = self.handles.get(name) {
            return Ok(*handle);
        }
        let handle = self.private(opener, name)?;
        let handle = handle
            .ok_or_else(|| TokenError::NoSuchKey { label: opener.label.clone(), name: name.clone() })?;
        if self.handles.len() >= HANDLES_MAX {
            self.handles.clear();
        }
        self.handles.insert(name.clone(), handle);
        Ok(handle)
    }

    fn private(&self, opener: &Opener, name: &KeyName) -> Result<Option<ObjectHandle>, TokenError> {
        let found = self
            .raw
            .find_objects(&objects::by_label(ObjectClass::PRIVATE_KEY, name))
            .map_err(|source| opener.failed(source))?;
        match found.as_slice() {
            [] => Ok(None),
            [handle] => Ok(Some(*handle)),
            several => {
                let (label, count) = (opener.label.clone(), several.len());
                Err(TokenError::Ambiguous { label, name: name.clone(), count })
            }
        }
    }
}

/// The token knows the session no more.
fn is_gone(error: RvError) -> bool {
    matches!(
        error,
        RvError::SessionHandleInvalid
            | RvError::SessionClosed
            | RvError::DeviceRemoved
            | RvError::TokenNotPresent
    )
}

/// The session is there, but another one, and logging in again, may help.
fn is_stale(error: RvError) -> bool {
    matches!(
        error,
        RvError::UserNotLoggedIn
            | RvError::DeviceError
            | RvError::ObjectHandleInvalid
            | RvError::KeyHandleInvalid
    )
}
