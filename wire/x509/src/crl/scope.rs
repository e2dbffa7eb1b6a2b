//! Which certificates a revocation list is for (issuingDistributionPoint, RFC 5280 section 5.2.5).

use x509_parser::{
    certificate::X509Certificate,
    extensions::{DistributionPointName, GeneralName, ParsedExtension},
    prelude::FromDer,
};

use super::CrlRefused;
use crate::{
    Certificate,
    der::{self, NotDer},
};

/// A name that no list is told apart by is not worth reading on: a shard has one, and perhaps a mirror.
const URIS_MAX: usize = 16;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// The shard: only certificates whose distribution points name one of these. Empty: no such limit.
    pub uris: Vec<String>,
    pub kind: ScopeKind,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ScopeKind {
    #[default]
    All,
    EndEntities,
    Authorities,
    /// Attribute certificates, which are none of ours.
    Attributes,
}

impl Scope {
    pub(super) fn read(value: &[u8], unreadable: impl Fn(NotDer) -> CrlRefused) -> Result<Self, CrlRefused> {
        let (mut scope, mut kinds) = (Self::default(), Vec::new());
        let mut fields = der::only(value, der::SEQUENCE).map_err(&unreadable)?.inside();
        while !fields.is_empty() {
            const POINT: u8 = der::context(0);
            const END_ENTITIES: u8 = der::context_primitive(1);
            const AUTHORITIES: u8 = der::context_primitive(2);
            const SOME_REASONS: u8 = der::context_primitive(3);
            const INDIRECT: u8 = der::context_primitive(4);
            const ATTRIBUTES: u8 = der::context_primitive(5);
            let field = fields.next().map_err(&unreadable)?;
            let flag = || field.boolean().map_err(&unreadable);
            match field.tag {
                POINT => scope.uris = uris(field.contents).map_err(&unreadable)?,
                END_ENTITIES if flag()? => kinds.push(ScopeKind::EndEntities),
                AUTHORITIES if flag()? => kinds.push(ScopeKind::Authorities),
                ATTRIBUTES if flag()? => kinds.push(ScopeKind::Attributes),
                INDIRECT if flag()? => return Err(CrlRefused::Indirect),
                END_ENTITIES | AUTHORITIES | ATTRIBUTES | INDIRECT => {}
                SOME_REASONS => return Err(CrlRefused::SomeReasons),
                _ => return Err(unreadable(NotDer::Unexpected)),
            }
            if field.tag == POINT && scope.uris.is_empty() {
                return Err(CrlRefused::ScopeWithoutUri);
            }
        }
        match kinds.as_slice() {
            [] => Ok(scope),
            [kind] => Ok(Self { kind: *kind, ..scope }),
            _ => Err(CrlRefused::ScopeContradicts),
        }
    }

    pub(super) fn covers(&self, certificate: &Certificate) -> bool {
        let kind = match self.kind {
            ScopeKind::All => true,
            ScopeKind::EndEntities => !certificate.is_ca(),
            ScopeKind::Authorities => certificate.is_ca(),
            ScopeKind::Attributes => false,
        };
        kind && (self.uris.is_empty() || points_to(certificate, &self.uris))
    }
}

/// The URIs of a DistributionPointName that is a full name; a name relative to the issuer is not used by anybody.
fn uris(point: &[u8]) -> Result<Vec<String>, NotDer> {
    const FULL_NAME: u8 = der::context(0);
    const URI: u8 = der::context_primitive(6);
    let mut uris = Vec::new();
    let mut point = der::Reader::new(point);
    let Some(names) = point.optional(FULL_NAME)? else { return Ok(uris) };
    point.end()?;
    let mut names = names.inside();
    while !names.is_empty() {
        let name = names.next()?;
        if name.tag == URI {
            uris.push(String::from_utf8(name.contents.to_vec()).map_err(|_| NotDer::Utf8)?);
        }
        if uris.len() > URIS_MAX {
            return Err(NotDer::Unexpected);
        }
    }
    Ok(uris)
}

/// RFC 5280 section 6.3.3 (b) (2) (i): one name of the list is one name of a distribution point of the certificate.
fn points_to(certificate: &Certificate, uris: &[String]) -> bool {
    let Ok((_, parsed)) = X509Certificate::from_der(certificate.der()) else { return false };
    let points = parsed.extensions().iter().filter_map(|extension| match extension.parsed_extension() {
        ParsedExtension::CRLDistributionPoints(points) => Some(points),
        _ => None,
    });
    points.flat_map(|points| points.iter()).any(|point| match &point.distribution_point {
        Some(DistributionPointName::FullName(names)) => names.iter().any(|name| match name {
            GeneralName::URI(named) => uris.iter().any(|uri| uri == named),
            _ => false,
        }),
        Some(DistributionPointName::NameRelativeToCRLIssuer(_)) | None => false,
    })
}
