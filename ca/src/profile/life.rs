//! How long certificates of a profile last. Pure.

use jiff::{SignedDuration, Timestamp};

use super::{LifeRule, PastIssuer, Refused};
use crate::tlv;

const SECONDS_A_DAY: i64 = 24 * 60 * 60;
/// Boulder's: a certificate that was valid yesterday explains nothing that a clock that lags does not.
pub(super) const BACKDATE_MAX: SignedDuration = SignedDuration::from_hours(24);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    For(SignedDuration),
    /// Until 9999-12-31T23:59:59Z, which means no end (RFC 5280 section 4.1.2.5, IEEE 802.1AR section 8.7).
    Endless,
}

/// The last second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    At(Timestamp),
    Never,
}

/// When a certificate is valid, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Period {
    pub(crate) begin: Timestamp,
    pub(crate) end: End,
}

/// `90d`, `12h`, `5m`, `30s`.
pub(super) fn parse_duration(text: &str) -> Option<SignedDuration> {
    let units = [("d", SECONDS_A_DAY), ("h", 60 * 60), ("m", 60), ("s", 1)];
    let (digits, seconds) =
        units.iter().find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, *seconds)))?;
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.parse::<i64>().ok().filter(|_| plain)?;
    number.checked_mul(seconds).map(SignedDuration::from_secs)
}

impl Life {
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text == "endless" { Some(Self::Endless) } else { parse_duration(text).map(Self::For) }
    }
}

impl Period {
    /// From `now`, a little backdated, for the life of the profile or until what was asked for; never outside the
    /// period of the issuer.
    pub(super) fn of(
        rule: &LifeRule,
        asked: Option<Timestamp>,
        issuer: Period,
        now: Timestamp,
    ) -> Result<Self, Refused> {
        if let End::At(not_after) = issuer.end
            && not_after < now
        {
            return Err(Refused::IssuerExpired { not_after });
        }
        let backdated = now.saturating_sub(rule.backdate).unwrap_or(now);
        let begin = whole_second(backdated.max(issuer.begin));
        let given = match rule.life {
            Life::Endless => End::Never,
            // RFC 5280 section 4.1.2.5 counts the last second in.
            Life::For(life) => {
                End::At(begin.saturating_add(life - SignedDuration::from_secs(1)).unwrap_or(Timestamp::MAX))
            }
        };
        let wanted = match asked.map(whole_second) {
            None => given,
            Some(asked) if asked <= now => return Err(Refused::EndInThePast { asked }),
            Some(asked) if End::At(asked).is_after(given) => {
                return Err(Refused::EndTooLate { asked, given: given.into() });
            }
            Some(asked) => End::At(asked),
        };
        let end = match rule.past_issuer {
            _ if !wanted.is_after(issuer.end) => wanted,
            PastIssuer::Truncate => issuer.end,
            PastIssuer::Refuse => {
                return Err(Refused::PastIssuer { wanted: wanted.into(), issuer: issuer.end.into() });
            }
        };
        Ok(Self { begin, end })
    }

    /// Validity (RFC 5280 section 4.1.2.5), DER. Before 1970 there is nothing to write.
    pub(super) fn to_validity(self) -> Vec<u8> {
        let time = |at: Timestamp| tlv::time(at.max(Timestamp::UNIX_EPOCH));
        let end = match self.end {
            End::At(at) => time(at),
            End::Never => tlv::NO_END.to_vec(),
        };
        tlv::element(tlv::SEQUENCE, &[&time(self.begin), &end])
    }
}

impl End {
    /// As it is read back: a certificate without an end is clamped to what a `Timestamp` can say.
    pub(crate) fn of_certificate(not_after: Timestamp) -> Self {
        if not_after == Timestamp::MAX { Self::Never } else { Self::At(not_after) }
    }

    pub(crate) fn to_timestamp(self) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Never => Timestamp::MAX,
        }
    }

    fn is_after(self, other: Self) -> bool {
        self.to_timestamp() > other.to_timestamp()
    }
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::At(at) => at.fmt(f),
            Self::Never => f.write_str("9999-12-31T23:59:59Z"),
        }
    }
}

fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}
