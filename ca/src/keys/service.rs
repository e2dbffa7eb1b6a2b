//! The keys at work: made, found, signed with.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use signature::Signer as _;

use super::{
    KeyError, KeyKind, KeyName, KeyPlace, KeyRef, PublicKey, SignError, Signature, SigningKey,
    signer::RawSignature,
};

/// Every private key of the authority; hands out references, public keys and signatures, nothing else.
pub struct Keys {
    open: RwLock<HashMap<KeyRef, Arc<SigningKey>>>,
}

impl Keys {
    pub(crate) fn holding(keys: Vec<(KeyName, SigningKey)>) -> Self {
        let open = keys.into_iter().map(|(name, key)| (KeyRef::file(name), Arc::new(key))).collect();
        Self { open: RwLock::new(open) }
    }

    /// A new key; durable when it returns.
    pub async fn generate(&self, kind: KeyKind, name: KeyName, place: KeyPlace) -> Result<KeyRef, KeyError> {
        let reference = KeyRef::file(name);
        match (kind, place) {
            (KeyKind::P256, KeyPlace::File) => {}
            (kind, _) => return Err(KeyError::Unsupported { kind, place: "there" }),
        }
        let key = Arc::new(SigningKey::generate()?);
        self.open.write().unwrap_or_else(PoisonError::into_inner).insert(reference.clone(), key);
        Ok(reference)
    }

    pub fn public(&self, key: &KeyRef) -> Result<PublicKey, SignError> {
        Ok(self.find(key)?.public().clone())
    }

    pub async fn sign(&self, key: &KeyRef, tbs: &[u8]) -> Result<Signature, SignError> {
        let held = self.find(key)?;
        let failed =
            |error: signature::Error| SignError::Failed { key: key.clone(), reason: error.to_string() };
        let signed: RawSignature = held.try_sign(tbs).map_err(failed)?;
        Ok(Signature { algorithm_der: held.public().signature_algorithm_der(), bytes: signed.into_bytes() })
    }

    /// Forgets a key for good: an old responder's, or one that was made for nothing.
    pub async fn destroy(&self, key: &KeyRef) -> Result<(), KeyError> {
        self.open.write().unwrap_or_else(PoisonError::into_inner).remove(key);
        Ok(())
    }

    fn find(&self, key: &KeyRef) -> Result<Arc<SigningKey>, SignError> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.get(key).cloned().ok_or_else(|| SignError::Missing(key.clone()))
    }
}
