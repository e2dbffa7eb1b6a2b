//! The keys at work: made, found, signed with.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, PoisonError, RwLock},
    thread,
};

use tokio::{
    sync::{Semaphore, TryAcquireError},
    task::spawn_blocking,
};

use super::{
    ClientKey, KEYS_MAX, KeyError, KeyKind, KeyName, KeyPlace, KeyRef, ListenerKey, MAKERS_WAITING_MAX,
    PublicKey, SIGNERS_WAITING_MAX, SignError, Signature, SoftKey,
    files::SealedFiles,
    reference::Place,
    token::{self, Token, TokenError},
};
use crate::{Entropy, Settings, folder::Folder};

/// Every private key of the authority; hands out references, public keys and signatures, nothing else.
pub(crate) struct Keys {
    files: Arc<SealedFiles>,
    token: Option<Token>,
    held: RwLock<HashMap<KeyRef, Held>>,
    /// RSA takes milliseconds, so it has threads of its own: as many as the machine has cores.
    slow: Semaphore,
    /// Whoever may wait for one of those.
    waiting: Semaphore,
    /// RSA keys for clients.
    making: Arc<Semaphore>,
    makers: Semaphore,
}

#[derive(Clone)]
enum Held {
    File(Arc<SoftKey>),
    Token(PublicKey),
}

impl Keys {
    /// Opens the seal once: what is derived from the passphrase stays in memory, and is wiped with it.
    pub(crate) async fn open(settings: &Settings, entropy: Entropy) -> Result<Self, KeyError> {
        let (ca, source) = (settings.dir.join("ca"), settings.passphrase.clone());
        let pkcs11 = settings.pkcs11.clone();
        let opening = spawn_blocking(move || {
            let files = SealedFiles::open(folder(&ca, "")?, folder(&ca, "keys")?, &source, entropy)?;
            let token = pkcs11.as_ref().map(Token::open).transpose()?;
            Ok::<_, KeyError>((files, token))
        });
        let (files, token) = opening.await.map_err(|_| KeyError::Make)??;
        let mut held = HashMap::new();
        if let Some(token) = &token {
            let named = token.list().await?.into_iter();
            held.extend(
                named.map(|(name, public)| (KeyRef::token(token.label(), name), Held::Token(public))),
            );
        }
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            files: Arc::new(files),
            token,
            held: RwLock::new(held),
            slow: Semaphore::new(cores),
            waiting: Semaphore::new(SIGNERS_WAITING_MAX),
            making: Arc::new(Semaphore::new(1)),
            makers: Semaphore::new(MAKERS_WAITING_MAX),
        })
    }

    /// A new key; durable when it returns.
    pub(crate) async fn generate(
        &self,
        kind: KeyKind,
        name: KeyName,
        place: KeyPlace,
    ) -> Result<KeyRef, KeyError> {
        let key = self.reference(name.clone(), place)?;
        let held = match place {
            KeyPlace::File => {
                let files = self.files.clone();
                let made =
                    spawn_blocking(move || files.make(&name, kind)).await.map_err(|_| KeyError::Make)??;
                Held::File(Arc::new(made))
            }
            KeyPlace::Token => {
                let token = self.token.as_ref().ok_or(KeyError::NoToken)?;
                if token.find(name.clone()).await?.is_some() {
                    return Err(KeyError::Exists(key));
                }
                Held::Token(token.make(name, kind).await?)
            }
        };
        self.hold(&key, held)?;
        Ok(key)
    }

    /// The key of that name, when it is there already: what a start that was cut short has made, or a ceremony.
    pub(crate) async fn find(&self, name: KeyName, place: KeyPlace) -> Result<Option<KeyRef>, KeyError> {
        let key = self.reference(name.clone(), place)?;
        let held = match place {
            KeyPlace::File => self.files.load(&name)?.map(|key| Held::File(Arc::new(key))),
            KeyPlace::Token => {
                let token = self.token.as_ref().ok_or(KeyError::NoToken)?;
                token.find(name).await?.map(Held::Token)
            }
        };
        let Some(held) = held else { return Ok(None) };
        self.hold(&key, held)?;
        Ok(Some(key))
    }

    /// The key of that name and kind, made unless it is there.
    pub(crate) async fn provide(
        &self,
        kind: KeyKind,
        name: KeyName,
        place: KeyPlace,
    ) -> Result<KeyRef, KeyError> {
        let Some(key) = self.find(name.clone(), place).await? else {
            return self.generate(kind, name, place).await;
        };
        let found = self.public(&key)?.kind();
        if found == kind { Ok(key) } else { Err(KeyError::OtherKind { key, found, wanted: kind }) }
    }

    pub(crate) fn public(&self, key: &KeyRef) -> Result<PublicKey, SignError> {
        Ok(match self.held(key)? {
            Held::File(key) => key.public().clone(),
            Held::Token(public) => public,
        })
    }

    /// Signs here what takes microseconds, and elsewhere what takes milliseconds.
    pub(crate) async fn sign(&self, key: &KeyRef, tbs: &[u8]) -> Result<Signature, SignError> {
        let failed = |reason: String| SignError::Failed { key: key.clone(), reason };
        match (self.held(key)?, key.place()) {
            (Held::File(soft), _) if soft.public().kind().is_rsa() => {
                let waiting = self.waiting.try_acquire().map_err(|error| match error {
                    TryAcquireError::NoPermits => SignError::Busy,
                    TryAcquireError::Closed => SignError::Closed,
                })?;
                let _thread = self.slow.acquire().await.map_err(|_| SignError::Closed)?;
                drop(waiting);
                let tbs = tbs.to_vec();
                let signed = spawn_blocking(move || soft.sign(&tbs)).await.map_err(|_| SignError::Closed)?;
                signed.map_err(|_| failed("AWS-LC refused".to_owned()))
            }
            (Held::File(soft), _) => soft.sign(tbs).map_err(|_| failed("AWS-LC refused".to_owned())),
            (Held::Token(public), Place::Token { object, .. }) => {
                let token = self.token.as_ref().ok_or_else(|| SignError::Missing(key.clone()))?;
                let refused = |error| match error {
                    TokenError::Busy => SignError::Busy,
                    TokenError::Closed => SignError::Closed,
                    error => failed(error.to_string()),
                };
                let prepared = token::prepare(public.kind(), tbs).map_err(refused)?;
                let bytes = token.sign(object.clone(), prepared).await.map_err(refused)?;
                Ok(Signature { algorithm_der: public.signature_algorithm_der(), bytes })
            }
            (Held::Token(_), Place::File(_)) => Err(SignError::Missing(key.clone())),
        }
    }

    /// A key pair that is not ours, with a request for it; the caller gives it away, and nothing of it stays here.
    pub(crate) async fn make_for_client(
        &self,
        kind: KeyKind,
        subject_der: Vec<u8>,
        attributes_der: Vec<u8>,
    ) -> Result<ClientKey, KeyError> {
        if !kind.is_rsa() {
            return ClientKey::make(kind, &subject_der, &attributes_der).map_err(|_| KeyError::Make);
        }
        let waiting = self.makers.try_acquire().map_err(|_| SignError::Busy)?;
        let turn = Arc::clone(&self.making).acquire_owned().await.map_err(|_| SignError::Closed)?;
        drop(waiting);
        let making = spawn_blocking(move || {
            // Until it is made: whoever asked may be gone by then.
            let _turn = turn;
            ClientKey::make(kind, &subject_der, &attributes_der)
        });
        making.await.map_err(|_| KeyError::Make)?.map_err(|_| KeyError::Make)
    }

    /// Forgets a key for good: an old responder's, or one that was made for nothing.
    pub(crate) async fn destroy(&self, key: &KeyRef) -> Result<(), KeyError> {
        self.held.write().unwrap_or_else(PoisonError::into_inner).remove(key);
        match key.place() {
            Place::File(name) => {
                let (files, name) = (self.files.clone(), name.clone());
                spawn_blocking(move || files.destroy(&name)).await.map_err(|_| KeyError::Make)?
            }
            Place::Token { object, .. } => {
                let token = self.token.as_ref().ok_or(KeyError::NoToken)?;
                Ok(token.destroy(object.clone()).await?)
            }
        }
    }

    pub(crate) fn seal_listener(&self, key: &ListenerKey, name: &str) -> Result<String, KeyError> {
        key.seal(&self.files, name)
    }

    pub(crate) fn unseal_listener(&self, name: &str, text: &str) -> Option<ListenerKey> {
        ListenerKey::unseal(&self.files, name, text)
    }

    fn reference(&self, name: KeyName, place: KeyPlace) -> Result<KeyRef, KeyError> {
        match place {
            KeyPlace::File => Ok(KeyRef::file(name)),
            KeyPlace::Token => {
                let token = self.token.as_ref().ok_or(KeyError::NoToken)?;
                Ok(KeyRef::token(token.label(), name))
            }
        }
    }

    fn hold(&self, key: &KeyRef, value: Held) -> Result<(), KeyError> {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= KEYS_MAX && !held.contains_key(key) {
            return Err(KeyError::TooMany);
        }
        held.insert(key.clone(), value);
        Ok(())
    }

    /// From memory; a key in a file is read once.
    fn held(&self, key: &KeyRef) -> Result<Held, SignError> {
        if let Some(held) = self.held.read().unwrap_or_else(PoisonError::into_inner).get(key) {
            return Ok(held.clone());
        }
        let failed = |error: KeyError| SignError::Failed { key: key.clone(), reason: error.to_string() };
        let Place::File(name) = key.place() else { return Err(SignError::Missing(key.clone())) };
        let soft = self.files.load(name).map_err(failed)?.ok_or_else(|| SignError::Missing(key.clone()))?;
        let held = Held::File(Arc::new(soft));
        self.hold(key, held.clone()).map_err(failed)?;
        Ok(held)
    }
}

fn folder(ca: &Path, name: &str) -> Result<Folder, KeyError> {
    Ok(Folder::open(if name.is_empty() { ca.to_owned() } else { ca.join(name) })?)
}
