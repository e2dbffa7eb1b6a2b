//! What this service decides that is in the audit log of the authority (pki.md §11): whose certificates are trusted beside its
//! own, where their revocation lists are, and which enrollments have certificates issued. In one commit with the change.

mod service;

use muster_ca::{Action, Caller, Decision, Entry};

use crate::{
    certificate::Kind,
    enrollment::{CredentialPolicy, EnrollmentKind, Standing, Stored},
};

/// About a stored certificate.
pub(crate) fn of_certificate(by: &Caller, name: &str, decision: Decision) -> Entry {
    // Names have no case; the log is searched for one spelling.
    Entry::new(by, Action::ExternalChange, format!("external/{}", name.to_ascii_lowercase()), decision)
}

/// All that an upload or a change makes of it.
pub(crate) fn of_upload(by: &Caller, former: Option<&Stored>, stored: &Stored) -> Entry {
    let is_as_before = former
        .is_some_and(|former| former.standing == stored.standing && former.certificate == stored.certificate);
    let standing = match stored.standing {
        Standing::Verified if is_as_before => "trusted as before",
        Standing::Verified => "trusted, as the operator vouches for it",
        Standing::Unverified => "not trusted before its key's possession is shown",
        Standing::Intermediate => "completes chains",
    };
    let kind = Kind::of(stored.standing).as_str();
    let lists = match stored.crls.feeds.as_slice() {
        [] => "no revocation lists".to_owned(),
        feeds => {
            let urls: Vec<_> = feeds.iter().map(|feed| feed.url.as_str()).collect();
            format!("revocation lists ({}): {}", stored.crls.check.as_str(), urls.join(" "))
        }
    };
    let subject = stored.certificate.subject();
    let because = format!("stored: {kind} `{subject}`, {standing}; {lists}");
    of_certificate(by, &stored.name, Decision::Allowed).because(because).of(stored.certificate.der())
}

/// None where an enrollment issues as it did.
pub(crate) fn of_policy(
    by: &Caller,
    kind: EnrollmentKind,
    id: &str,
    former: Option<&CredentialPolicy>,
    now: Option<&CredentialPolicy>,
) -> Option<Entry> {
    let because = match (former, now) {
        (former, now) if former == now => return None,
        (_, Some(now)) => format!("issues by credential policy `{}`", now.as_str()),
        (Some(former), None) => {
            format!("issues nothing any more, credential policy was `{}`", former.as_str())
        }
        (None, None) => return None,
    };
    let object = format!("enrollment/{}/{}", kind.as_str(), id.to_ascii_lowercase());
    Some(Entry::new(by, Action::PolicyChange, object, Decision::Allowed).because(because))
}
