//! Ingests: when they end.

use super::finding::{Findings, Object};
use super::lints::Lint;
use super::namespace::Namespace;
use crate::bucket::View;
use crate::instant::Instant;
use crate::node::Kind;
use crate::schema::{names, time};
use crate::text;
use std::collections::BTreeSet;

/// Looks at the ingests of a namespace.
pub(super) fn lint(namespace: Namespace<'_>, now: Instant, findings: &mut Findings) {
    let leases = namespace.leases().buckets();
    let listed = leases.filter_map(|(_, lease)| lease.bucket(names::INGESTS)).flat_map(View::iter);
    let listed: BTreeSet<&[u8]> = listed.map(|(reference, _)| reference).collect();
    for (reference, ingest) in namespace.ingests().buckets() {
        let object = Object::node(Kind::Ingest, namespace.name, reference);
        match ingest.get(names::EXPIRE_AT).map(time::from_binary) {
            None if !listed.contains(reference) => {
                findings.add(Lint::IngestWithoutExpiry, object, "it has no end, and no lease lists it");
            }
            None => {}
            Some(Err(error)) => {
                let said = text::line(error.to_string());
                findings.add(
                    Lint::ExpiryUndecodable,
                    object,
                    format!("its expireat does not decode: {said}"),
                );
            }
            Some(Ok(expiry)) if now > expiry => {
                let at = time::format_rfc3339_nano(expiry);
                findings.add(Lint::IngestExpired, object, format!("its end was {at}"));
            }
            Some(Ok(_)) => {}
        }
    }
}
