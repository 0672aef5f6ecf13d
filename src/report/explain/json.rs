//! The explanation of an object for machines.

use super::NodeReport;
use crate::bucket::json;
use crate::explain::{Found, Hop, State, Subject};
use crate::oracle::{By, Failure};
use crate::report::saying::{JsonHeld, JsonHop, JsonNode};
use crate::schema::time;
use serde::Serialize;
use std::io::{self, Write};

#[derive(Serialize)]
struct JsonNearMiss {
    reason: String,
    node: Option<JsonNode>,
    label: Option<String>,
}

#[derive(Serialize)]
struct JsonElsewhere {
    node: JsonNode,
    kept: bool,
}

#[derive(Serialize)]
struct JsonNodeReport<'a> {
    release: &'a str,
    now: String,
    error: Option<&'a str>,
    node: JsonNode,
    state: &'a str,
    chain: Vec<JsonHop>,
    chains: Vec<Vec<JsonHop>>,
    roots: usize,
    alone: Vec<JsonNode>,
    until: Option<String>,
    near_misses: Vec<JsonNearMiss>,
    bytes: u64,
    bytes_alone: u64,
    snapshot_bytes: Option<u64>,
    snapshot_bytes_alone: Option<u64>,
    folder: Option<String>,
    takes_along: Vec<JsonNode>,
    let_go: JsonHeld,
    names: Vec<JsonNode>,
    without_names: JsonHeld,
    elsewhere: Vec<JsonElsewhere>,
    named_by: Vec<JsonHop>,
    missing: Vec<JsonHop>,
    warnings: &'a [String],
}

impl NodeReport<'_, '_, '_> {
    pub(super) fn write_object(&self, out: &mut dyn Write) -> io::Result<()> {
        let (saying, explanation) = (&self.saying, self.explanation);
        let of_node = |id: &u32| saying.json_node(saying.network.graph().node(*id).as_ref());
        let hops = |chain: &Vec<Hop<'_>>| chain.iter().map(|hop| saying.json_hop(hop)).collect::<Vec<_>>();
        let chains: Vec<Vec<JsonHop>> = explanation.chains.iter().map(hops).collect();
        let Found { namespace, thing, key } = self.found;
        let [namespace, key] = [namespace, key].map(|bytes| json::encode(bytes).into_owned());
        let r#type = self.kind().and_then(|kind| saying.number(kind));
        let report = JsonNodeReport {
            release: saying.situation.release.name(),
            now: time::format_rfc3339_nano(saying.now()),
            error: saying.error,
            node: JsonNode { r#type, kind: thing.to_string(), namespace, key },
            state: match explanation.state {
                State::Kept => "kept",
                State::Removed => "removed",
                State::Unswept => "unswept",
                State::Missing => "missing",
            },
            chain: explanation.chains.first().map(hops).unwrap_or_default(),
            chains,
            roots: explanation.roots,
            alone: explanation.alone.iter().map(|subject| saying.json_subject(*subject)).collect(),
            until: explanation.until.map(time::format_rfc3339_nano),
            near_misses: (explanation.failures.iter().zip(self.reasons()))
                .map(|(failure, reason)| self.json_near_miss(failure, reason))
                .collect(),
            bytes: explanation.bytes.unwrap_or(0),
            bytes_alone: explanation.bytes_alone,
            snapshot_bytes: saying.size(self.node().as_ref()).filter(|_| explanation.bytes.is_none()),
            snapshot_bytes_alone: saying.json_snapshots(explanation.snapshots_alone),
            folder: saying.folder(self.node().as_ref()).map(|folder| json::encode(&folder).into_owned()),
            takes_along: explanation.takes_along.iter().map(of_node).collect(),
            let_go: saying.json_held(explanation.let_go),
            names: explanation.names.iter().map(|name| saying.json_subject(*name)).collect(),
            without_names: saying.json_held(explanation.without_names),
            elsewhere: (explanation.elsewhere.iter())
                .map(|(id, kept)| JsonElsewhere { node: of_node(id), kept: *kept })
                .collect(),
            named_by: hops(&explanation.named_by),
            missing: hops(&explanation.missing),
            warnings: saying.warnings,
        };
        serde_json::to_writer(&mut *out, &report)?;
        writeln!(out)
    }

    fn json_near_miss(&self, failure: &Failure<'_>, reason: String) -> JsonNearMiss {
        let (by, label) = failure.mentions();
        let node = by.map(|by| match by {
            By::Node(node) => self.saying.json_node(node.as_ref()),
            By::Root(holder) => self.saying.json_subject(Subject::Holder(holder)),
        });
        let label = label.map(|label| json::encode(label).into_owned());
        JsonNearMiss { reason, node, label }
    }
}
