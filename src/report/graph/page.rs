//! One HTML page that needs no network. Rust decides all that is said in it and where things stand; the page draws,
//! searches and filters.
//!
//! ```text
//!   data, explanations ──> JSON ──> gzip ──> base64 ──> a script element of plain text ──> page.js ──> textContent, canvas
//! ```
//!
//! So no name from a database stands in the markup, and a policy in the page lets nothing run or load but the two scripts and
//! the two styles that it was made with. The library is Cytoscape.js; `cytoscape/README.md` says where it comes from.

use super::layout::{Cell, layout};
use super::{FATES, GraphReport, fate};
use crate::explain::{Explainer, Fate, Held, Object, Thing};
use crate::report::Show as _;
use crate::report::end::End;
use crate::report::explain::NodeReport;
use crate::stored::Bytes;
use crate::text;
use base64::engine::general_purpose::STANDARD;
use base64::write::EncoderWriter;
use flate2::Compression;
use flate2::write::GzEncoder;
use rayon::prelude::*;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Of how many objects a page has the explanations.
pub const EXPLAINED_MAX: usize = 12_000;

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
const LIBRARY: &str = include_str!("cytoscape/cytoscape.min.js");

/// What may run and be styled, by its SHA-256: the library, the script, the style, and the library's own style. A test holds
/// them to the page.
const POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; \
script-src 'sha256-QgCbBSeOqw6lAWR//X+LGimodxGKFnKHn38P2aA1oJ0=' 'sha256-J+7z3N8HBkJxOeWWUwACfxXYeLvRuJ6zQ1En48BsXhk='; \
style-src 'sha256-+IRZm99QD9EAOpjnrlP5ePHKs/JcSCy6hVosX8twzBM=' 'sha256-pgvDUBa4IjFA2yuSJ2cqcyxmNYJMborsd0ORcRv9vw8='";

const CELL: Cell = Cell { width: 236, height: 48, margin: 14, head: 22, gap: 26 };

#[derive(Serialize)]
struct JsonFate {
    name: &'static str,
    said: &'static str,
}

#[derive(Serialize)]
struct JsonGroup {
    name: String,
    x: u32,
    y: u32,
    width: u32,
    height: u32,
}

#[derive(Serialize)]
struct JsonTime {
    when: String,
    /// Of all that is gone by then, and that it comes free.
    freed: String,
    objects: u64,
}

/// All that the page knows. Tables by object or by relation, as lists side by side pack best.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JsonPage<'a> {
    title: String,
    subtitle: String,
    /// Behind `leasehold explain`.
    command: &'a str,
    explained: bool,
    explained_max: usize,
    around: Option<u32>,
    fates: Vec<JsonFate>,
    kinds: Vec<String>,
    namespaces: Vec<String>,
    words: Vec<String>,
    names: Vec<String>,
    /// Where a name begins within its namespace, as scripts count.
    cuts: Vec<usize>,
    kind: Vec<usize>,
    namespace: Vec<usize>,
    fate: Vec<usize>,
    /// The place of the instant at which it goes among those behind now; -1 if at none.
    until: Vec<i64>,
    bytes: Vec<Option<u64>>,
    group: Vec<u32>,
    x: Vec<u32>,
    y: Vec<u32>,
    from: Vec<u32>,
    to: Vec<u32>,
    word: Vec<usize>,
    later: Vec<u8>,
    groups: Vec<JsonGroup>,
    /// Now, then each instant at which something becomes removable.
    times: Vec<JsonTime>,
}

/// Texts, each once, in the order of their first use.
#[derive(Default)]
struct Table(BTreeMap<String, usize>);

impl Table {
    fn place(&mut self, text: String) -> usize {
        let next = self.0.len();
        *self.0.entry(text).or_insert(next)
    }

    fn texts(self) -> Vec<String> {
        let mut texts: Vec<(usize, String)> = self.0.into_iter().map(|(text, place)| (place, text)).collect();
        texts.sort_unstable();
        texts.into_iter().map(|(_, text)| text).collect()
    }
}

impl<'a> GraphReport<'_, '_, 'a> {
    /// A page, with explanations where there is who explains; see the module.
    ///
    /// # Errors
    /// The writer's.
    pub fn write_page(
        &self,
        explainer: Option<&Explainer<'_, '_, 'a>>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        // A letter in it that no terminal shows would not reach one's standard output.
        let library = LIBRARY.replace('\u{200b}', r"\u200b");
        let mut parts = PAGE.split('{');
        out.write_all(parts.next().unwrap_or_default().as_bytes())?;
        for part in parts {
            match part.split_once('}') {
                Some(("csp", rest)) => write!(out, "{POLICY}{rest}")?,
                Some(("style", rest)) => write!(out, "{STYLE}{rest}")?,
                Some(("library", rest)) => write!(out, "{library}{rest}")?,
                Some(("script", rest)) => write!(out, "{SCRIPT}{rest}")?,
                Some(("data", rest)) => {
                    packed(&self.page(explainer.is_some()), out)?;
                    out.write_all(rest.as_bytes())?;
                }
                Some(("explanations", rest)) => {
                    if let Some(explainer) = explainer {
                        packed(&self.explanations(explainer)?, out)?;
                    }
                    out.write_all(rest.as_bytes())?;
                }
                // The style that the library would write itself.
                _ => write!(out, "{{{part}")?,
            }
        }
        Ok(())
    }

    /// By object: what `explain` prints of it.
    fn explanations(&self, explainer: &Explainer<'_, '_, 'a>) -> io::Result<Vec<String>> {
        let explained = self.drawing.objects.par_iter().map(|object| {
            let Object { found, subject, .. } = object;
            let explanation = &explainer.subject(*subject);
            let mut text = Vec::new();
            NodeReport { saying: self.saying, found, explanation }.write_text(&mut text)?;
            // As it goes to standard output.
            Ok(text::lines(&text))
        });
        explained.collect()
    }

    fn page(&self, explained: bool) -> JsonPage<'_> {
        let drawing = self.drawing;
        let layout = layout(drawing, CELL);
        let (mut kinds, mut namespaces, mut words) = (Table::default(), Table::default(), Table::default());
        let objects = &drawing.objects;
        let kind = objects.iter().map(|object| {
            kinds.place(match object.found.thing {
                Thing::Node(kind) => kind.to_string(),
                thing => thing.to_string(),
            })
        });
        let kind = kind.collect();
        let namespace = objects.iter().map(|object| namespaces.place(text::name(&object.found.namespace)));
        let namespace: Vec<usize> = namespace.collect();
        let word = drawing
            .lines
            .iter()
            .map(|line| words.place(crate::report::explain::relation(line.rule, line.label)));
        let word = word.collect();
        let namespaces = namespaces.texts();
        let names: Vec<String> = objects.iter().map(|object| self.name(object)).collect();
        let cuts = names.iter().zip(&namespace).map(|(name, namespace)| {
            let rest = name.strip_prefix(&*namespaces[*namespace]).and_then(|rest| rest.strip_prefix('/'));
            rest.map_or(0, |_| namespaces[*namespace].encode_utf16().count() + 1)
        });
        let cuts = cuts.collect();
        let until = objects.iter().map(|object| match object.fate {
            Fate::KeptUntil(at) => {
                let place = drawing.times.next.binary_search_by_key(&at, |next| next.at);
                place.ok().and_then(|place| i64::try_from(place).ok()).unwrap_or(-1)
            }
            _ => -1,
        });
        let groups = drawing.groups.iter().zip(&layout.frames);
        JsonPage {
            title: self.title(),
            subtitle: self.subtitle(),
            command: self.saying.command,
            explained,
            explained_max: EXPLAINED_MAX,
            around: drawing.around,
            fates: FATES.into_iter().map(|(name, said)| JsonFate { name, said }).collect(),
            kinds: kinds.texts(),
            words: words.texts(),
            cuts,
            kind,
            namespace,
            fate: objects.iter().map(|object| fate(object.fate)).collect(),
            until: until.collect(),
            bytes: objects.iter().map(|object| object.bytes).collect(),
            group: objects.iter().map(|object| object.group).collect(),
            x: layout.places.iter().map(|(x, _)| *x).collect(),
            y: layout.places.iter().map(|(_, y)| *y).collect(),
            from: drawing.lines.iter().map(|line| line.from).collect(),
            to: drawing.lines.iter().map(|line| line.to).collect(),
            word,
            later: drawing.lines.iter().map(|line| u8::from(line.is_later)).collect(),
            groups: groups
                .map(|(group, frame)| JsonGroup {
                    name: self.group(group),
                    x: frame.x,
                    y: frame.y,
                    width: frame.width,
                    height: frame.height,
                })
                .collect(),
            times: self.times(),
            names,
            namespaces,
        }
    }

    fn times(&self) -> Vec<JsonTime> {
        let times = &self.drawing.times;
        let Held { mut objects, mut bytes, mut snapshots } = times.garbage;
        let now = if self.saying.error.is_some() { "Once mended" } else { "Now" };
        let freed = |bytes: u64, snapshots: Bytes| match self.saying.snapshots {
            None => format!("{} comes free", text::bytes(bytes)),
            Some(_) => {
                format!("{} of content and {} come free", text::bytes(bytes), snapshots.of("snapshots"))
            }
        };
        let mut all = vec![JsonTime { when: now.to_owned(), freed: freed(bytes, snapshots), objects }];
        for next in &times.next {
            let (end, now) = (End::of(next.at), self.saying.situation.now);
            objects += next.nodes.len() as u64;
            bytes = bytes.saturating_add(next.bytes);
            snapshots.add_all(next.snapshots);
            let word = if end.word() == "at" { "At" } else { "After" };
            let when = format!("{word} {}, {}", end.near(now), end.away(now));
            all.push(JsonTime { when, freed: freed(bytes, snapshots), objects });
        }
        all
    }
}

/// JSON as gzip in base64: the quick level, whose page is up to a sixth larger. Gzip takes much at a time: each call costs it as much
/// as its buffer.
fn packed(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    let base64 = EncoderWriter::new(out, &STANDARD);
    let mut gzip = io::BufWriter::with_capacity(1 << 16, GzEncoder::new(base64, Compression::fast()));
    serde_json::to_writer(&mut gzip, value)?;
    let gzip = gzip.into_inner().map_err(io::IntoInnerError::into_error)?;
    gzip.finish()?.finish()?;
    Ok(())
}
