//! Lines of a profile with facts in them: `CN={common_name}`, `URI:urn:example:{serial_number?}`. Pure.

use crate::issuance::SubjectFacts;

/// A line is an attribute or a name: more text than that is a mistake.
const LINE_BYTES_MAX: usize = 512;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Fact { name: String, need: Need },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    Required,
    /// `{name?}`: without the fact, the whole line is left out.
    Optional,
}

/// A fact that nobody gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Missing(pub(crate) String);

impl Template {
    pub(crate) fn parse(line: &str) -> Option<Self> {
        if line.is_empty() || line.len() > LINE_BYTES_MAX || line.chars().any(char::is_control) {
            return None;
        }
        let mut parts = Vec::new();
        let mut rest = line;
        while let Some((text, after)) = rest.split_once('{') {
            let (fact, after) = after.split_once('}')?;
            let (name, need) = match fact.strip_suffix('?') {
                Some(name) => (name, Need::Optional),
                None => (fact, Need::Required),
            };
            if !is_fact_name(name) || text.contains('}') {
                return None;
            }
            if !text.is_empty() {
                parts.push(Part::Text(text.to_owned()));
            }
            parts.push(Part::Fact { name: name.to_owned(), need });
            rest = after;
        }
        if rest.contains('}') {
            return None;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Some(Self(parts))
    }

    /// The line once for every value; not at all when an optional fact is missing.
    pub(crate) fn fill(&self, facts: &SubjectFacts) -> Result<Vec<String>, Missing> {
        let mut lines = vec![String::new()];
        for part in &self.0 {
            let values = match part {
                Part::Text(text) => vec![text.clone()],
                Part::Fact { name, need } => match (facts.values(name), need) {
                    (values, Need::Optional) if values.is_empty() => return Ok(Vec::new()),
                    (values, Need::Required) if values.is_empty() => return Err(Missing(name.clone())),
                    (values, Need::Required | Need::Optional) => values,
                },
            };
            lines = lines
                .iter()
                .flat_map(|line| values.iter().map(move |value| format!("{line}{value}")))
                .collect();
        }
        Ok(lines)
    }

    pub(super) fn names(&self, wanted: &str) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Fact { name, .. } if name == wanted))
    }

    /// Whether it is that fact and nothing else.
    pub(super) fn is_fact(&self, wanted: &str) -> Option<bool> {
        match self.0.as_slice() {
            [Part::Fact { name, need }] if name == wanted => Some(*need == Need::Required),
            _ => None,
        }
    }

    /// How often it names facts that have many values: lines grow with each.
    pub(super) fn lists(&self) -> usize {
        let list = |part: &&Part| matches!(part, Part::Fact { name, .. } if LISTS.contains(&name.as_str()));
        self.0.iter().filter(list).count()
    }
}

const LISTS: [&str; 3] = ["dns_names", "ip_addresses", "uris"];

pub(super) fn is_fact_name(name: &str) -> bool {
    const BYTES_MAX: usize = 40;
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=BYTES_MAX).contains(&name.len()) && name.bytes().all(plain)
}

impl SubjectFacts {
    /// Those that are given.
    pub(super) fn given(&self) -> Vec<&str> {
        let fixed = [
            "common_name",
            "serial_number",
            "organization",
            "organizational_unit",
            "dns_names",
            "ip_addresses",
            "uris",
        ];
        let fixed = fixed.into_iter().filter(|name| !self.values(name).is_empty());
        let hardware = self.hardware.iter().map(|_| "hardware");
        fixed.chain(hardware).chain(self.more.keys().map(String::as_str)).collect()
    }

    fn values(&self, name: &str) -> Vec<String> {
        let one = |fact: &Option<String>| fact.iter().cloned().collect();
        match name {
            "common_name" => one(&self.common_name),
            "serial_number" => one(&self.serial_number),
            "organization" => one(&self.organization),
            "organizational_unit" => one(&self.organizational_unit),
            "dns_names" => self.dns_names.clone(),
            "ip_addresses" => self.ip_addresses.iter().map(ToString::to_string).collect(),
            "uris" => self.uris.clone(),
            _ => self.more.get(name).into_iter().cloned().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(line: &str) -> Result<Vec<String>, Missing> {
        let facts = SubjectFacts {
            common_name: Some("pump-1".to_owned()),
            dns_names: vec!["a.example".to_owned(), "b.example".to_owned()],
            more: [("line".to_owned(), "7".to_owned())].into(),
            ..SubjectFacts::default()
        };
        Template::parse(line).unwrap().fill(&facts)
    }

    #[test]
    fn a_line_is_filled_with_facts_left_out_or_repeated_for_each_value() {
        assert_eq!(fill("urn:x:{line}:{common_name}").unwrap(), ["urn:x:7:pump-1"]);
        assert_eq!(fill("{dns_names}").unwrap(), ["a.example", "b.example"]);
        assert_eq!(fill("x{dns_names}y").unwrap(), ["xa.exampley", "xb.exampley"]);
        assert_eq!(fill("{organization?}").unwrap(), [""; 0]);
        assert_eq!(fill("x {organization?} {serial_number}").unwrap(), [""; 0]);
        assert_eq!(fill("{organization}"), Err(Missing("organization".to_owned())));
        assert_eq!(fill("constant").unwrap(), ["constant"]);
    }

    #[test]
    fn a_line_with_a_stray_brace_a_control_character_or_no_fact_name_is_none() {
        for line in
            ["", "{", "}", "a}b{c}", "{a", "{a}}", "{A}", "{}", "{a b}", "x\ny", "{?}", &"x".repeat(513)]
        {
            assert_eq!(Template::parse(line), None, "{line}");
        }
    }
}
