//! `leasehold graph`: a database as a picture. Never writes to the database, and never over a file.

use super::explain::{Beside, judged};
use super::meant::Asking;
use super::notes::Notes;
use super::source;
use super::{Ended, Failure, files, progress, terminal};
use crate::explain::{Drawing, Explainer, Network, State};
use crate::report::graph::{DRAWN_MAX, EXPLAINED_MAX, GraphReport};
use crate::report::shell::quoted;
use crate::scenario::DEFAULT_NAMESPACE;
use crate::text;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

/// How many objects are drawn around one, in each direction, beside its chains.
const AROUND_MAX: usize = 150;

/// Draw what holds what: the whole database, or what stands around one object
///
/// The file is only read: containerd may go on running, nothing is locked and nothing is written to it.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("form").required(true))]
#[command(
    override_usage = "leasehold graph [OPTIONS] <SOURCE> [NODE] <--dot [FILE]|--svg [FILE]|--html [FILE]>"
)]
#[command(
    after_help = "An arrow goes from what keeps to what is kept by it. Drawn with a colour and a shape each: what is kept, what is kept for a \
time only, what the next collection removes, what no collection removes, and what is named and missing. Objects stand in the \
group of the holder without which they go (an image, a lease, a container); what several hold, and what nobody holds, stands \
in groups of its own.

With NODE, which is written as `explain` takes it: its chains from the roots, and what is nearest of all that holds it and of all \
that it reaches, 150 objects in each direction; how many are left out is said.

  --html  one page that needs no network: search, filters, an object's explanation as `explain` prints it (of up to 12,000 \
objects; beyond, the command that prints it), its chains, and a slider over the instants at which something becomes removable. \
A database of more than 2,500 objects is shown as its groups, which open by a click
  --svg   a drawing of up to 400 objects
  --dot   for Graphviz: leasehold graph meta.db web:1 --dot | dot -Tpdf > web.pdf

Exit codes: 0 drawn, 1 drawn, and NODE is missing, or the collection fails, or collector and oracle disagree (1 too where nothing \
is called NODE and nothing is drawn), 2 usage, or a name that fits several objects, 3 an input that cannot be read or an output \
that cannot be written.

Examples:
  leasehold graph /var/lib/containerd --html containerd.html
  leasehold graph meta.db docker.io/library/web:1 --svg web.svg
  leasehold graph meta.db sha256:2af60d --now +24h --dot"
)]
pub(super) struct Arguments {
    /// A meta.db, containerd's root folder, or a scenario file
    #[arg(value_name = "SOURCE")]
    // Missing where a flag took it for its FILE, which is said.
    source: Option<PathBuf>,
    /// Around what to draw: [NAMESPACE/]KIND/NAME, an image's name, or the beginning of a digest; default: all
    #[arg(value_name = "NODE")]
    node: Option<OsString>,
    /// For Graphviz; FILE is what to create, else it goes to standard output
    #[arg(long, value_name = "FILE", num_args = 0..=1, group = "form")]
    dot: Option<Option<PathBuf>>,
    /// A drawing
    #[arg(long, value_name = "FILE", num_args = 0..=1, group = "form")]
    svg: Option<Option<PathBuf>>,
    /// A page to look around in
    #[arg(long, value_name = "FILE", num_args = 0..=1, group = "form")]
    html: Option<Option<PathBuf>>,
    #[command(flatten)]
    look: source::Look,
}

/// What is drawn, and into which file if into one.
enum Form<'a> {
    Dot(Option<&'a Path>),
    Svg(Option<&'a Path>),
    Html(Option<&'a Path>),
}

impl Arguments {
    fn form(&self) -> Form<'_> {
        match (&self.dot, &self.svg, &self.html) {
            (Some(file), ..) => Form::Dot(file.as_deref()),
            (_, Some(file), _) => Form::Svg(file.as_deref()),
            (.., Some(file)) => Form::Html(file.as_deref()),
            (None, None, None) => unreachable!("one of them is required"),
        }
    }
}

impl Form<'_> {
    fn flag(&self) -> &'static str {
        match self {
            Form::Dot(_) => "--dot",
            Form::Svg(_) => "--svg",
            Form::Html(_) => "--html",
        }
    }

    fn file(&self) -> Option<&Path> {
        let (Form::Dot(file) | Form::Svg(file) | Form::Html(file)) = self;
        *file
    }
}

pub(super) fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<Ended, Failure> {
    let form = arguments.form();
    let source = &source_of(arguments, &form)?;
    refuse(&form, source, arguments.node.as_deref())?;
    let mut notes = Notes::default();
    let look = &arguments.look;
    let (situation, _) = source::read_judged(source, look, &mut notes)?;
    let (outcome, judgement, agree) = judged(&situation, &mut notes);
    let beside = Beside::of(source, look, &situation, &outcome, &mut notes);
    let relating = progress::doing("relating");
    let network = Network::new(judgement.graph());
    let (situation, network) = (&situation, &network);
    let saying = beside.saying(situation, network, &notes.said);
    let mut is_well = agree && saying.error.is_none();
    let mut failure = Vec::new();
    saying.write_failure(&mut failure)?;
    if !failure.is_empty() {
        terminal::say(String::from_utf8_lossy(&failure).trim_end());
    }
    let found = match &arguments.node {
        None => None,
        Some(node) => {
            let home = source::is_scenario(source).then_some(DEFAULT_NAMESPACE);
            let asking = Asking { network, situation, json: false };
            let Some(found) = asking.one(node, home, out)? else {
                relating.finish_and_clear();
                return Ok(Ended::WithFinding);
            };
            Some(found)
        }
    };
    let explainer = Explainer::new(network, &judgement, situation, saying.snapshots);
    let mut drawing = Drawing::new(&explainer, network, &judgement, situation, saying.snapshots);
    if let Some(found) = found {
        let explanation = explainer.subject(found.subject(network, situation.release));
        if explanation.state == State::Missing {
            let name = found.name_in(&situation.tree);
            terminal::say(format_args!("{name} is only referred to: the database does not have it"));
            is_well = false;
        }
        let object = drawing.find(&found).expect("what is found is drawn");
        drawing = drawing.around(object, &explanation, AROUND_MAX);
    }
    relating.finish_and_clear();
    let count = drawing.objects.len();
    if matches!(form, Form::Svg(_)) && count > DRAWN_MAX {
        return Err(Failure::Usage(format!(
            "{} are too many for one drawing, which has up to {DRAWN_MAX}: name a NODE (`leasehold explain {}` lists \
what holds most), or make a page with --html",
            text::counted(count as u64, "object"),
            saying.command
        )));
    }
    let shown = text::path(source);
    let report = GraphReport { saying, drawing: &drawing, source: &shown };
    let explainer = explainer.of_all();
    let explaining = (count <= EXPLAINED_MAX).then_some(&explainer);
    let write = |out: &mut dyn Write| match form {
        Form::Dot(_) => report.write_dot(out),
        Form::Svg(_) => report.write_svg(out),
        Form::Html(_) => {
            let doing = progress::doing("drawing");
            let written = report.write_page(explaining, out);
            doing.finish_and_clear();
            written
        }
    };
    match form.file() {
        None => write(out)?,
        Some(path) => {
            create(path, write)?;
            let lines = drawing.lines.len() as u64;
            writeln!(
                out,
                "{}: {} and {} between them",
                text::path(path),
                text::counted(count as u64, "object"),
                text::counted(lines, "relation")
            )?;
        }
    }
    Ok(if is_well { Ended::Well } else { Ended::WithFinding })
}

/// The source; where there is none, what a flag may have taken for its FILE.
fn source_of(arguments: &Arguments, form: &Form<'_>) -> Result<PathBuf, Failure> {
    if let Some(source) = &arguments.source {
        return Ok(source.clone());
    }
    let flag = form.flag();
    Err(Failure::Usage(match form.file() {
        Some(file) => format!(
            "{file} is taken for the file that {flag} is to create, and no source is left: the source stands before \
{flag}: leasehold graph {} {flag}",
            quoted(file),
            file = text::path(file),
        ),
        None => {
            format!("name a source: a meta.db, containerd's root folder or a scenario file, before {flag}")
        }
    }))
}

/// Refuses, before a source of any size is read, what would be refused in the end.
fn refuse(form: &Form<'_>, source: &Path, node: Option<&OsStr>) -> Result<(), Failure> {
    match form.file() {
        Some(path) if path == Path::new("-") => Err(Failure::Usage(
            "-: without FILE it goes to standard output; ./- would be a file of that name".to_owned(),
        )),
        Some(path) if fs::symlink_metadata(path).is_ok() => {
            let exists = io::Error::from(io::ErrorKind::AlreadyExists);
            let flag = form.flag();
            // The two changed places, as far as can be seen.
            let is_source = node.is_none() && fs::symlink_metadata(source).is_err();
            let meant = match is_source {
                true => format!(
                    "; it is taken for the file that {flag} is to create: the source stands before {flag}: leasehold graph {} {} {flag}",
                    quoted(path),
                    quoted(source)
                ),
                false => String::new(),
            };
            Err(Failure::Usage(format!("{}: {}{meant}", text::path(path), text::unwritten(&exists))))
        }
        None if matches!(form, Form::Html(_)) && io::stdout().is_terminal() => {
            Err(Failure::Usage("a page is nothing for a terminal: name a file, --html FILE".to_owned()))
        }
        _ => Ok(()),
    }
}

/// Creates a file whole or not at all.
fn create(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
    let written = files::create_with(path, |file| {
        let mut buffered = BufWriter::new(file);
        write(&mut buffered)?;
        buffered.flush()
    });
    written.map_err(|error| {
        let message = format!("{}: {}", text::path(path), files::unwritten(path, &error));
        match error.kind() {
            io::ErrorKind::AlreadyExists => Failure::Usage(message),
            _ => Failure::Output(io::Error::other(message)),
        }
    })
}
