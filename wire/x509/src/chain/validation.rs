//! What a chain is validated against, and how.

use std::{cell::RefCell, time::Duration};

use jiff::Timestamp;
use rustls_pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, VerifiedPath, anchor_from_trusted_cert};

use super::{
    ChainError, PATH_DEPTH_MAX, PRESENTED_MAX, Place, Revocation, candidates, explain,
    path::{self, Path},
    strict,
};
use crate::Certificate;

/// Everything that decides whether a chain is good, apart from the chain.
#[derive(Debug, Clone, Copy)]
pub struct Validation<'a> {
    /// Authorities that are trusted. Each is judged as strictly as what lies below it.
    pub anchors: &'a [Certificate],
    /// Known authorities that are not trusted by themselves: they fill the gaps of chains that were presented incomplete.
    pub intermediates: &'a [Certificate],
    pub usage: Usage<'a>,
    pub now: Timestamp,
    pub revocation: Revocation<'a>,
    /// Authorities between leaf and anchor; those with the name of their own issuer do not count (RFC 5280 section 4.2.1.9).
    /// `PATH_DEPTH_MAX` holds besides.
    pub depth_max: usize,
    pub rules: Rules,
}

/// What the leaf is to be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage<'a> {
    /// The peer of a TLS connection that we accept.
    Client,
    /// A server, whose name is compared elsewhere.
    Server,
    /// A server by its DNS name or IP address.
    ServerNamed(&'a str),
}

/// How much of RFC 5280 is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rules {
    /// All that matters for trust. What only helps to find the path may be missing, as it is in many device certificates.
    Field,
    /// All of it: for what this authority issues itself, and for authorities that are to be relied on.
    Rfc5280,
}

impl<'a> Validation<'a> {
    /// As devices are judged: without a pool, lists or pedantry.
    pub fn of_clients(anchors: &'a [Certificate], now: Timestamp) -> Self {
        Self {
            anchors,
            intermediates: &[],
            usage: Usage::Client,
            now,
            revocation: Revocation::Unchecked,
            depth_max: PATH_DEPTH_MAX,
            rules: Rules::Field,
        }
    }

    /// The path from the leaf to the anchor, both included. `presented`: leaf first, the rest in any order; what the path does
    /// not need is ignored, also when it is expired or strange.
    pub fn path(&self, presented: &[Certificate]) -> Result<Vec<Certificate>, ChainError> {
        let (leaf, others) = presented.split_first().ok_or(ChainError::Empty)?;
        if presented.len() > PRESENTED_MAX {
            return Err(ChainError::TooMany { presented: presented.len() });
        }
        if let [anchor] = self.anchors {
            strict::dates(anchor, Place::Anchor, self.now)?;
            strict::authority(anchor, Place::Anchor, self)?;
        }
        strict::leaf(leaf, self)?;
        strict::dates(leaf, Place::Leaf, self.now)?;

        let others = candidates::near(leaf, others, self.intermediates)?;
        self.build(leaf, &others)
    }

    fn build(&self, leaf: &Certificate, others: &[Certificate]) -> Result<Vec<Certificate>, ChainError> {
        let leaf_der = CertificateDer::from(leaf.der());
        let end_entity = EndEntityCert::try_from(&leaf_der)
            .map_err(|error| explain::unsound(Place::Leaf, leaf, &error))?;
        if let Usage::ServerNamed(name) = self.usage {
            is_named(&end_entity, leaf, name)?;
        }
        let anchor_ders: Vec<_> =
            self.anchors.iter().map(|anchor| CertificateDer::from(anchor.der())).collect();
        let (anchors, trusted) = self.trusted(&anchor_ders)?;
        let issued = candidates::issued(others, self.anchors)?;
        let intermediates: Vec<_> = issued.iter().map(|other| CertificateDer::from(other.der())).collect();

        // A path that webpki likes and we do not is passed over; the reason is kept in case there is no other.
        let objection = RefCell::new(None);
        let found = RefCell::new(None);
        let judge = |verified: &VerifiedPath<'_>| {
            let judged = Path::of(verified, leaf, others, &anchors, &trusted)
                .ok_or(ChainError::TooComplicated)
                .and_then(|path| path::judge(&path, self).map(|()| path));
            match judged {
                Ok(path) => {
                    found.replace(Some(path.certificates()));
                    Ok(())
                }
                Err(error) => {
                    objection.replace(Some(error));
                    Err(webpki::Error::UnknownIssuer)
                }
            }
        };
        let outcome = end_entity.verify_for_usage(
            ALL_VERIFICATION_ALGS,
            &trusted,
            &intermediates,
            UnixTime::since_unix_epoch(Duration::from_secs(self.now.as_second().try_into().unwrap_or(0))),
            match self.usage {
                Usage::Client => KeyUsage::client_auth(),
                Usage::Server | Usage::ServerNamed(_) => KeyUsage::server_auth(),
            },
            None,
            Some(&judge),
        );
        match (outcome, found.take()) {
            (Ok(_), Some(path)) => Ok(path),
            (Ok(_), None) => Err(ChainError::TooComplicated),
            (Err(error), _) => {
                Err(objection.take().unwrap_or_else(|| explain::refusal(leaf, others, self, &error)))
            }
        }
    }
}

impl<'a> Validation<'a> {
    /// The anchors that webpki can read, in its form, at the same places. One that it cannot is as if it were not trusted; if
    /// none is left, that is the reason.
    fn trusted<'d>(
        &self,
        ders: &'d [CertificateDer<'d>],
    ) -> Result<(Vec<&'a Certificate>, Vec<TrustAnchor<'d>>), ChainError> {
        let (mut anchors, mut trusted, mut unsound) = (Vec::new(), Vec::new(), None);
        for (anchor, der) in self.anchors.iter().zip(ders) {
            match anchor_from_trusted_cert(der) {
                Ok(read) => {
                    anchors.push(anchor);
                    trusted.push(read);
                }
                Err(error) => unsound = Some(explain::unsound(Place::Anchor, anchor, &error)),
            }
        }
        match unsound {
            Some(unsound) if trusted.is_empty() => Err(unsound),
            Some(_) | None => Ok((anchors, trusted)),
        }
    }
}

fn is_named(end_entity: &EndEntityCert<'_>, leaf: &Certificate, name: &str) -> Result<(), ChainError> {
    let (subject, name) = (leaf.subject().to_owned(), name.to_owned());
    match ServerName::try_from(name.as_str()) {
        Ok(asked) if end_entity.verify_is_valid_for_subject_name(&asked).is_ok() => Ok(()),
        Ok(_) | Err(_) => Err(ChainError::NotNamed { subject, name }),
    }
}
