//! Signed notes (C2SP signed-note): a text, and who signed it. Pure; what is signed is handed in.

use std::fmt;

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::merkle::sha256;

/// Ed25519 over the text of the note.
const ED25519_TYPE: u8 = 1;
const ID_BYTES: usize = 4;
/// Room for a checkpoint with the signatures of sixteen witnesses, post-quantum ones too, which verifiers must accept.
const NOTE_BYTES_MAX: usize = 128 * 1024;
const NAME_BYTES_MAX: usize = 256;
const MARK: &str = "— ";

/// The public key of a log under the log's name; written as Go's note verifiers are, `name+id+key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    public: [u8; 32],
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifierKeyError {
    #[error("log key `{0}` is not one: write `name+id+key`, as `muster ca audit key` shows it")]
    Form(String),
    #[error("log key `{0}` has an id that is not its own: copy it again, whole")]
    Id(String),
}

/// Why a note is not what the log signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    #[error("it is no signed note")]
    Form,
    #[error("it is not signed by this log's key")]
    Unsigned,
    #[error("its signature is wrong")]
    Signature,
}

impl VerifierKey {
    /// None when a note cannot name a key so.
    pub(crate) fn new(name: &str, public: [u8; 32]) -> Option<Self> {
        let plain = !name.chars().any(|char| char.is_whitespace() || char.is_control() || char == '+');
        let fits = (1..=NAME_BYTES_MAX).contains(&name.len());
        (plain && fits).then(|| Self { name: name.to_owned(), public })
    }

    pub fn parse(text: &str) -> Result<Self, VerifierKeyError> {
        let shown = || text.chars().take(NAME_BYTES_MAX).collect::<String>();
        let parts = || {
            let (name, rest) = text.trim().split_once('+')?;
            let (id, key) = rest.split_once('+')?;
            let key = STANDARD.decode(key).ok()?;
            let (kind, public) = key.split_first()?;
            let public = public.try_into().ok().filter(|_| *kind == ED25519_TYPE)?;
            Some((Self::new(name, public)?, id))
        };
        let (key, id) = parts().ok_or_else(|| VerifierKeyError::Form(shown()))?;
        if hex::encode(key.id()) == id { Ok(key) } else { Err(VerifierKeyError::Id(shown())) }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn public(&self) -> &[u8; 32] {
        &self.public
    }

    /// The same key under another name.
    pub(crate) fn named(&self, name: &str) -> Option<Self> {
        Self::new(name, self.public)
    }

    /// The note, from its text and the signature of this key over that.
    pub(crate) fn note(&self, text: &str, signature: &[u8]) -> String {
        let signature = STANDARD.encode([&self.id(), signature].concat());
        format!("{text}\n{MARK}{} {signature}\n", self.name)
    }

    /// The text of a note that this key signed, whoever else did.
    pub fn verify<'n>(&self, note: &'n str) -> Result<&'n str, NoteError> {
        let control = |char: char| char.is_ascii_control() && char != '\n';
        if note.len() > NOTE_BYTES_MAX || note.contains(control) {
            return Err(NoteError::Form);
        }
        let end = note.rfind("\n\n").ok_or(NoteError::Form)? + 1;
        let (text, signatures) = note.split_at(end);
        let signatures = signatures.strip_prefix('\n').and_then(|lines| lines.strip_suffix('\n'));
        let mut verified = false;
        for line in signatures.ok_or(NoteError::Form)?.split('\n') {
            let (name, signature) =
                line.strip_prefix(MARK).and_then(|line| line.split_once(' ')).ok_or(NoteError::Form)?;
            let signature = STANDARD.decode(signature).map_err(|_| NoteError::Form)?;
            let (id, signature) = signature.split_first_chunk::<ID_BYTES>().ok_or(NoteError::Form)?;
            if name == self.name && *id == self.id() {
                let key = UnparsedPublicKey::new(&ED25519, &self.public);
                key.verify(text.as_bytes(), signature).map_err(|_| NoteError::Signature)?;
                verified = true;
            }
        }
        if verified { Ok(text) } else { Err(NoteError::Unsigned) }
    }

    fn id(&self) -> [u8; ID_BYTES] {
        let hash = sha256(&[self.name.as_bytes(), b"\n", &[ED25519_TYPE], &self.public]);
        [hash[0], hash[1], hash[2], hash[3]]
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = STANDARD.encode([&[ED25519_TYPE], &self.public[..]].concat());
        write!(f, "{}+{}+{key}", self.name, hex::encode(self.id()))
    }
}
