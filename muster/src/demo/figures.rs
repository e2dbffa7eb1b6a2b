//! What the demo counted, and whether it adds up. Pure: it is told everything.

use serde::Serialize;

/// Devices on a hub are a random sample of its share; further from it than so many standard deviations is a bug
/// (once in two million runs it is bad luck).
const DEVIATIONS_MAX: f64 = 5.0;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Figures {
    pub(super) devices: u64,
    pub(super) assigned: u64,
    /// Registration records that the service shows as assigned.
    pub(super) recorded: u64,
    pub(super) hubs: Vec<HubShare>,
    pub(super) latency: Vec<Latency>,
    pub(super) messages: Messages,
    pub(super) twins: Twins,
    pub(super) refused: Vec<Refusal>,
    pub(super) seconds: Seconds,
    /// Devices that failed, and why.
    pub(super) failures: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HubShare {
    pub(super) name: String,
    pub(super) host: String,
    pub(super) weight: u32,
    pub(super) devices: u64,
    pub(super) expected: f64,
}

/// Quantiles of one step over all first boots.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Latency {
    pub(super) step: &'static str,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Messages {
    pub(super) sent: u64,
    pub(super) acknowledged: u64,
    pub(super) read_back: u64,
    /// Sent and acknowledged, but not in the log.
    pub(super) lost: u64,
    /// In the log more than once.
    pub(super) repeated: u64,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Twins {
    pub(super) reported: u64,
    pub(super) shown: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Refusal {
    pub(super) registration_id: String,
    pub(super) flaw: &'static str,
    /// What the device was told; nothing when it was let in.
    pub(super) told: Option<String>,
    pub(super) tracking_id: Option<String>,
    /// What the trace says: the step that failed, and the fix.
    pub(super) reason: Option<String>,
    pub(super) fix: Option<String>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Seconds {
    pub(super) start: f64,
    pub(super) enroll: f64,
    pub(super) boot: f64,
    pub(super) check: f64,
    pub(super) total: f64,
}

impl HubShare {
    pub(super) fn off_percent(&self) -> f64 {
        match self.expected > 0.0 {
            true => (self.devices as f64 - self.expected) / self.expected * 100.0,
            false => 0.0,
        }
    }
}

/// How many of `devices` each hub should have by its weight.
pub(super) fn shares(hubs: Vec<(String, String, u32, u64)>, devices: u64) -> Vec<HubShare> {
    let weights: f64 = hubs.iter().map(|(_, _, weight, _)| f64::from(*weight)).sum();
    hubs.into_iter()
        .map(|(name, host, weight, has)| HubShare {
            expected: devices as f64 * f64::from(weight) / weights,
            name,
            host,
            weight,
            devices: has,
        })
        .collect()
}

pub(super) fn latency(step: &'static str, mut samples_ms: Vec<f64>) -> Latency {
    samples_ms.sort_by(f64::total_cmp);
    let at = |quantile: f64| {
        // The nearest rank: a value that was measured.
        let rank = (quantile * samples_ms.len() as f64).ceil() as usize;
        samples_ms.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
    };
    Latency { step, p50_ms: at(0.5), p99_ms: at(0.99) }
}

impl Figures {
    /// Everything that is not as it must be; nothing when all is well.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = self.failures.clone();
        let mut equal = |what: &str, is: u64, must: u64| {
            if is != must {
                problems.push(format!("{what}: {is}, must be {must}"));
            }
        };
        equal("devices assigned", self.assigned, self.devices);
        equal("registrations recorded as assigned", self.recorded, self.assigned);
        equal("devices on all hubs", self.hubs.iter().map(|hub| hub.devices).sum(), self.assigned);
        equal("messages acknowledged", self.messages.acknowledged, self.messages.sent);
        equal("messages read back", self.messages.read_back, self.messages.acknowledged);
        equal("acknowledged messages that are not in the log", self.messages.lost, 0);
        equal("messages that are in the log more than once", self.messages.repeated, 0);
        equal("reported properties shown by twins", self.twins.shown, self.twins.reported);
        for hub in &self.hubs {
            let share = hub.expected / self.assigned.max(1) as f64;
            let deviation = (self.assigned as f64 * share * (1.0 - share)).max(0.0).sqrt();
            if (hub.devices as f64 - hub.expected).abs() > DEVIATIONS_MAX * deviation + 1.0 {
                problems.push(format!(
                    "{} has {} devices, by its weight it should have about {:.0}",
                    hub.name, hub.devices, hub.expected
                ));
            }
        }
        for refusal in &self.refused {
            let id = &refusal.registration_id;
            match (&refusal.told, &refusal.reason) {
                (None, _) => problems.push(format!("`{id}` was let in, although it {}", refusal.flaw)),
                (Some(_), None) => problems.push(format!("`{id}` was refused, and no trace says why")),
                (Some(_), Some(_)) => {}
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Figures {
        let hubs =
            vec![("a".to_owned(), "a.test".to_owned(), 1, 26), ("b".to_owned(), "b.test".to_owned(), 3, 74)];
        Figures {
            devices: 100,
            assigned: 100,
            recorded: 100,
            hubs: shares(hubs, 100),
            latency: Vec::new(),
            messages: Messages { sent: 500, acknowledged: 500, read_back: 500, lost: 0, repeated: 0 },
            twins: Twins { reported: 100, shown: 100 },
            refused: Vec::new(),
            seconds: Seconds::default(),
            failures: Vec::new(),
        }
    }

    #[test]
    fn good_figures_have_no_problems() {
        assert_eq!(good().problems(), Vec::<String>::new());
    }

    #[test]
    fn a_message_missing_in_the_log_is_told() {
        let mut figures = good();
        figures.messages.read_back = 499;
        figures.messages.lost = 1;
        assert_eq!(figures.problems().len(), 2);
    }

    #[test]
    fn a_hub_far_from_its_weight_is_told() {
        let mut figures = good();
        (figures.hubs[0].devices, figures.hubs[1].devices) = (74, 26);
        assert_eq!(figures.problems().len(), 2);
    }

    #[test]
    fn a_stranger_that_was_let_in_is_told() {
        let mut figures = good();
        figures.refused.push(Refusal {
            registration_id: "x".to_owned(),
            flaw: "has no business here",
            told: None,
            tracking_id: None,
            reason: None,
            fix: None,
        });
        assert_eq!(figures.problems().len(), 1);
    }

    #[test]
    fn quantiles_are_values_that_were_measured() {
        let of_100 = latency("step", (1..=100).map(f64::from).collect());
        assert_eq!((of_100.p50_ms, of_100.p99_ms), (50.0, 99.0));
        let of_none = latency("step", Vec::new());
        assert_eq!((of_none.p50_ms, of_none.p99_ms), (0.0, 0.0));
    }
}
