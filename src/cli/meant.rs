//! Which one object of a database a name on the command line means, and what is said where it is not one.

use super::{Failure, terminal};
use crate::explain::{Found, Network, Thing, all_in, all_of, find, near};
use crate::node::Kind;
use crate::report::explain::write_found;
use crate::situation::Situation;
use crate::text;
use serde::Serialize;
use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt as _;

/// Where a name is looked for, and for whom an answer is.
pub(super) struct Asking<'r, 'j, 'a> {
    pub(super) network: &'r Network<'j, 'a>,
    pub(super) situation: &'a Situation,
    /// What is no one object is said as one JSON object.
    pub(super) json: bool,
}

/// What is said for machines of a name that is not that of one object.
#[derive(Serialize)]
struct JsonUnnamed<'s> {
    asked: &'s str,
    error: &'s str,
    /// What it may mean, as it can be asked for.
    matches: Vec<String>,
    /// What there is with nearly that name.
    near: Option<String>,
}

impl Asking<'_, '_, '_> {
    /// The one object that a name means; none if there is none, which is said.
    pub(super) fn one(
        &self,
        name: &OsStr,
        home: Option<&[u8]>,
        out: &mut dyn Write,
    ) -> Result<Option<Found>, Failure> {
        let Asking { network, situation, .. } = *self;
        let name = name.as_bytes();
        let mut found = find(name, home, network, situation);
        let shown = &text::line(name);
        if found.is_empty() && name.rsplit(|byte| *byte == b'/').next().is_none_or(<[u8]>::is_empty) {
            let reason = "NODE is [NAMESPACE/]KIND/NAME, an image's name, or the beginning of a digest";
            return Err(Failure::Usage(format!("`{shown}` names nothing: {reason}")));
        }
        if let Some((what, all)) = listing(name, &found, situation) {
            if all.is_empty() {
                self.write_none(shown, "there is no such object", None, out)?;
                return Ok(None);
            }
            self.write_several(shown, &format!("is a {what} there are"), &all, out)?;
            let what = what.split(',').next().unwrap_or_default();
            return Err(Failure::Usage(format!(
                "{shown} is a {what}: name one object of it as they are listed"
            )));
        }
        match found.len() {
            0 => {
                let why = "there is no such object, and nothing that a collection follows names one";
                self.write_none(shown, why, near(name, situation), out)?;
                Ok(None)
            }
            1 => {
                let found = found.pop();
                if let Some(found) = found.as_ref().filter(|found| is_guess(name, found, situation)) {
                    terminal::say(format_args!("{shown} is taken for {}", found.name_in(&situation.tree)));
                }
                Ok(found)
            }
            _ => {
                self.write_several(shown, "may be one of these", &found, out)?;
                Err(Failure::Usage(format!("{shown} fits several objects: name one as they are listed")))
            }
        }
    }

    fn write_none(
        &self,
        shown: &str,
        why: &str,
        near: Option<String>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        if self.json {
            return write_json(&JsonUnnamed { asked: shown, error: why, matches: Vec::new(), near }, out);
        }
        let near = near.map(|near| format!("; is {near} meant?")).unwrap_or_default();
        writeln!(out, "{shown}: {why}{near}")
    }

    fn write_several(&self, shown: &str, what: &str, found: &[Found], out: &mut dyn Write) -> io::Result<()> {
        let tree = &self.situation.tree;
        if self.json {
            let matches = found.iter().map(|found| found.name_in(tree)).collect();
            write_json(&JsonUnnamed { asked: shown, error: what, matches, near: None }, out)?;
        } else {
            writeln!(out, "{shown} {what}:")?;
            write_found(found, tree, out)?;
        }
        out.flush()
    }
}

fn write_json(report: &JsonUnnamed<'_>, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, report)?;
    writeln!(out)
}

/// Whether what was found is more than what was written, so that it is said; nobody writes more of a digest than its
/// beginning.
fn is_guess(name: &[u8], found: &Found, situation: &Situation) -> bool {
    !name.ends_with(&found.key)
        && !found.key.ends_with(name)
        && found.thing != Thing::Node(Kind::Content)
        && !found.name_in(&situation.tree).ends_with(&text::line(name))
}

/// What a word means that is for all of a kind, as `leases`, or is a namespace's name, and what there is of it; none where
/// an object is called so.
fn listing(word: &[u8], found: &[Found], situation: &Situation) -> Option<(&'static str, Vec<Found>)> {
    let is_called = |found: &Found| found.key.ends_with(word);
    if found.iter().any(is_called) {
        return None;
    }
    let kind = all_of(word, situation).map(|all| ("kind, of which", all));
    let namespace = || all_in(word, situation).map(|all| ("namespace, in which", all));
    let kind = kind.filter(|(_, all)| found.is_empty() || !all.is_empty());
    kind.or_else(|| namespace().filter(|_| found.is_empty()))
}
