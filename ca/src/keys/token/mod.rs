//! Keys in a PKCS#11 token: made there, used there, never out of it.
//!
//! A session belongs to one thread, so signing threads each keep one, and requests reach them through a bounded queue.

mod objects;
mod service;
mod session;
mod signing;
mod worker;

use std::{
    fs, io,
    io::Read,
    path::PathBuf,
    sync::{Arc, Mutex},
    thread,
};

use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11 as Module},
    error::{Error, RvError},
    slot::Slot,
    types::AuthPin,
};
use tokio::sync::{mpsc, oneshot};
use zeroize::Zeroizing;

use super::{KeyKind, KeyName, PublicKey};
use crate::settings::{PinSource, Pkcs11};

pub(super) use signing::{Prepared, prepare};

/// Who comes when so many wait is told to come again: at 1,000 signatures a second, that is a second's worth.
const QUEUE_MAX: usize = 1024;
/// A token takes 4 to 255 bytes.
const PIN_BYTES_MAX: u64 = 255;
/// More would only wait inside the token.
const SESSIONS_MAX: usize = 16;

/// The way to the signing threads; they end with it.
pub(super) struct Token {
    label: String,
    queue: mpsc::Sender<Job>,
}

enum Job {
    Sign { name: KeyName, prepared: Prepared, answer: oneshot::Sender<Result<Vec<u8>, TokenError>> },
    Make { name: KeyName, kind: KeyKind, answer: oneshot::Sender<Result<PublicKey, TokenError>> },
    Find { name: KeyName, answer: oneshot::Sender<Result<Option<PublicKey>, TokenError>> },
    List { answer: oneshot::Sender<Result<Vec<(KeyName, PublicKey)>, TokenError>> },
    Destroy { name: KeyName, answer: oneshot::Sender<Result<(), TokenError>> },
}

/// What every session is opened with.
struct Opener {
    module: Module,
    slot: Slot,
    label: String,
    pin: AuthPin,
}

#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error(
        "PKCS#11 module `{}` cannot be loaded ({source}): install the token's software, and name its library",
        path.display()
    )]
    Module { path: PathBuf, source: Error },
    #[error("PKCS#11 token `{label}` is not there, but {present}: plug it in, or correct the label")]
    NotThere { label: String, present: String },
    #[error("there are {count} PKCS#11 tokens `{label}`: give them different labels")]
    SameLabel { label: String, count: usize },
    #[error("PKCS#11 token `{label}` refuses the PIN: correct it before it locks")]
    Pin { label: String },
    #[error("cannot read the PIN from `{}` ({source}): name a file that is there and readable", path.display())]
    PinFile { path: PathBuf, source: io::Error },
    #[error("PIN of the PKCS#11 token is not in {0}: put it there, one line")]
    PinMissing(String),
    #[error("PKCS#11 token `{label}` failed ({source})")]
    Failed { label: String, source: Error },
    #[error("PKCS#11 token `{label}` has no key `{name}`")]
    NoSuchKey { label: String, name: KeyName },
    #[error(
        "PKCS#11 token `{label}` has {count} keys `{name}`: remove all but one, or give them other labels"
    )]
    Ambiguous { label: String, name: KeyName, count: usize },
    #[error(
        "PKCS#11 token `{label}` has a key `{name}` that is neither P-256, P-384 nor RSA of 2048, 3072 or 4096 bits"
    )]
    OtherKind { label: String, name: KeyName },
    #[error("PKCS#11 tokens do not make keys of kind `{0}` here: use p256, p384 or RSA")]
    CannotMake(KeyKind),
    #[error("cannot start a signing thread ({0})")]
    Thread(io::Error),
    #[error("too many signatures are asked for at once: try again in a moment")]
    Busy,
    #[error("the signing threads have ended")]
    Closed,
}

impl Token {
    /// Loads the module, logs in, starts the signing threads. Waits for the token.
    pub(super) fn open(settings: &Pkcs11) -> Result<Self, TokenError> {
        let opener = Arc::new(Opener::new(settings)?);
        let (sender, queue) = mpsc::channel(QUEUE_MAX);
        let queue = Arc::new(Mutex::new(queue));
        for number in 0..settings.sessions.clamp(1, SESSIONS_MAX) {
            let session = opener.session()?;
            let (opener, queue) = (opener.clone(), queue.clone());
            thread::Builder::new()
                .name(format!("pkcs11-{number}"))
                .spawn(move || worker::work(&opener, session, &queue))
                .map_err(TokenError::Thread)?;
        }
        Ok(Self { label: opener.label.clone(), queue: sender })
    }

    pub(super) fn label(&self) -> &str {
        &self.label
    }

    /// Hands a job to the threads. Signing does not wait for room, everything else may.
    fn hand_over<T>(
        &self,
        job: impl FnOnce(oneshot::Sender<T>) -> Job,
    ) -> Result<oneshot::Receiver<T>, TokenError> {
        let (answer, receiver) = oneshot::channel();
        match self.queue.try_send(job(answer)) {
            Ok(()) => Ok(receiver),
            Err(mpsc::error::TrySendError::Full(_)) => Err(TokenError::Busy),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(TokenError::Closed),
        }
    }
}

impl Opener {
    fn new(settings: &Pkcs11) -> Result<Self, TokenError> {
        let load = |source| TokenError::Module { path: settings.module.clone(), source };
        let module = Module::new(&settings.module).map_err(load)?;
        match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            // One process has one module: an authority that was closed here before left it open.
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(source) => return Err(load(source)),
        }
        let label = settings.token.clone();
        let slot = find_slot(&module, &label)?;
        Ok(Self { module, slot, label, pin: read_pin(&settings.pin)? })
    }

    fn failed(&self, source: Error) -> TokenError {
        TokenError::Failed { label: self.label.clone(), source }
    }
}

fn find_slot(module: &Module, label: &str) -> Result<Slot, TokenError> {
    let failed = |source| TokenError::Failed { label: label.to_owned(), source };
    let (mut found, mut present) = (Vec::new(), Vec::new());
    for slot in module.get_slots_with_token().map_err(failed)? {
        let info = module.get_token_info(slot).map_err(failed)?;
        if info.label() == label {
            found.push(slot);
        }
        present.push(format!("`{}`", info.label()));
    }
    match found.as_slice() {
        [] => {}
        [slot] => return Ok(*slot),
        several => return Err(TokenError::SameLabel { label: label.to_owned(), count: several.len() }),
    }
    let present = if present.is_empty() { "there is none".to_owned() } else { present.join(", ") };
    Err(TokenError::NotThere { label: label.to_owned(), present })
}

fn read_pin(source: &PinSource) -> Result<AuthPin, TokenError> {
    let (text, place) = match source {
        PinSource::File(path) => {
            let failed = |source| TokenError::PinFile { path: path.clone(), source };
            let mut text = Zeroizing::new(String::with_capacity(PIN_BYTES_MAX as usize + 1));
            let file = fs::File::open(path).map_err(failed)?;
            file.take(PIN_BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
            (text, format!("`{}`", path.display()))
        }
        PinSource::Environment(name) => {
            let text = std::env::var(name).unwrap_or_default();
            (Zeroizing::new(text), format!("environment variable `{name}`"))
        }
    };
    let pin = text.trim_end_matches(['\n', '\r']);
    if pin.is_empty() { Err(TokenError::PinMissing(place)) } else { Ok(AuthPin::from(pin)) }
}
